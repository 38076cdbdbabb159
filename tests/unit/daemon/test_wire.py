"""What is said between the daemon and the process of a job."""

import datetime as dt

import pytest

from tactics.daemon.wire import decode_job, decode_message, encode_beat, encode_done, encode_job
from tactics.daemon.work import Done, Ending, Job, Verb
from tactics.model import Window
from tactics.pipeline import Scope

DAYS = Window(dt.date(2026, 11, 1), dt.date(2026, 11, 2))


@pytest.mark.parametrize("verb", Verb)
def test_a_job_arrives_as_it_was_sent(verb: Verb):
    """Verb and scope survive the way."""
    job = Job(verb, Scope(("acme",), ("meta",), window=DAYS))
    assert decode_job(encode_job(job)) == job


def test_messages_arrive_as_they_were_sent():
    """What is achieved, and how it ended."""
    assert decode_message(encode_beat("gold")) == "gold"
    done = Done(Ending.REFUSED.value, "", 2, "no", "edit it")
    assert decode_message(encode_done(done)) == done


@pytest.mark.parametrize("line", [b"", b"nanobind: leaked", b"{}", b"[1]", b'{"done": {"x": 1}}'])
def test_what_a_library_prints_is_no_message(line: bytes):
    """A line that is not ours is passed over."""
    assert decode_message(line) is None
