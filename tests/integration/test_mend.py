"""A dead letter that a person mended gives what the vendor's own answer would have given."""

from pathlib import Path

from tactics.model import RunStatus
from tactics.pipeline import edit_letter, flush
from tactics.store import Author
from tests.lab import Lab, open_lab

ME = Author("ada", "workshop")
WORLD = {"days": 6, "orgs": ("acme",), "sources": ("meta",)}
PAGES = "SELECT account_id, stream, payload FROM bronze.pages"


def letter_of(lab: Lab) -> int:
    """Return the one dead letter."""
    with lab.workspace() as workspace:
        (letter,) = workspace.store.jobs.list_dead()
        return letter.job_id


def test_an_answer_that_was_given_by_hand_is_as_good_as_the_vendors(tmp_path: Path):
    """Edited, put back and flushed without the vendor: the same rows up to gold."""
    with open_lab(tmp_path / "whole", **WORLD) as whole:
        whole.sync()
        wanted, answers = whole.layers(), whole.silver(PAGES)
    with open_lab(tmp_path / "mended", **WORLD) as lab:
        lab.plant("truncated_json", path="*/insights")
        assert lab.sync().status is RunStatus.DEGRADED
        letter = letter_of(lab)
        with lab.workspace() as workspace:
            key = workspace.store.jobs.get(letter).key
            lost = (key.account_id, key.stream)
            (answer,) = [payload for *fetch, payload in answers if (*fetch,) == lost]
            edit_letter(workspace, letter, answer.encode(), ME)
            workspace.store.letters.retry([letter], ME)
            assert flush(workspace).status is RunStatus.SUCCEEDED
            assert workspace.store.jobs.list_dead() == []
        assert lab.layers() == wanted
