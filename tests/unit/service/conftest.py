"""A plan to render, and a service manager that only writes down what it was told."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pytest

from tactics.service.plan import Plan, Scope


@pytest.fixture
def make_plan() -> Callable[..., Plan]:
    """Return a function that makes a plan, of the machine unless it says otherwise."""

    def make(scope: Scope = Scope.SYSTEM, **changes) -> Plan:
        facts = {
            "python": Path("/opt/tactics/bin/python"),
            "home": Path("/var/lib/tactics"),
            "config": Path("/etc/tactics/tactics.toml"),
            "folder": Path("/etc/tactics"),
            "user": "tactics" if scope is Scope.SYSTEM else "",
        }
        return Plan(scope, **{**facts, **changes})

    return make


Answer: TypeAlias = tuple[int, str]


@dataclass
class Told:
    """What programs were run; each answers with the first line whose words it begins with."""

    answers: dict[str, Answer | Callable[[], Answer]] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)

    def run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        """Write the command down and answer."""
        line = " ".join(command)
        self.commands.append(line)
        answer = next((found for part, found in self.answers.items() if part in line), (0, ""))
        code, text = answer() if callable(answer) else answer
        return subprocess.CompletedProcess(
            list(command), code, stdout="" if code else text, stderr=text if code else ""
        )


@pytest.fixture
def told() -> Told:
    """Return a service manager that accepts everything."""
    return Told()
