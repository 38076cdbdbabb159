"""What the daemon and the process that does a job for it say to each other: lines of JSON.

The job goes to standard input; that it is closed means: stop at the next safe place, whether the
daemon wants so or has died. What is achieved and how it ended comes back on standard output.
"""

import json
from dataclasses import asdict
from typing import Any, TypeAlias

from tactics.daemon.work import Done, Job

Message: TypeAlias = str | Done


def encode_job(job: Job) -> bytes:
    """Return the line that asks for a job."""
    return _line({"job": job.to_json()})


def decode_job(line: bytes) -> Job:
    """Return the job of its line."""
    return Job.from_json(json.loads(line)["job"])


def encode_beat(doing: str) -> bytes:
    """Return the line that says what has been achieved."""
    return _line({"beat": doing})


def encode_done(done: Done) -> bytes:
    """Return the line that says how it ended."""
    return _line({"done": asdict(done)})


def decode_message(line: bytes) -> Message | None:
    """Return what the other process says; None for what is no line of ours."""
    try:
        data = json.loads(line)
        return Done(**data["done"]) if "done" in data else str(data["beat"])
    except (ValueError, KeyError, TypeError):
        return None


def _line(data: dict[str, Any]) -> bytes:
    return json.dumps(data).encode() + b"\n"
