"""What starts every gate: a step that failed in any way fails the whole."""

import signal
import sys

import pytest

import run

GOOD = "pass"
BAD = "raise SystemExit(3)"
KILLED = "import os; os.kill(os.getpid(), 9)"
CLEAN = "import os; assert os.environ['X'] == 'y' and 'TACTICS_QUEUE' not in os.environ"


def steps(*programs: str) -> list[list[str]]:
    """Return a step for each program."""
    return [[sys.executable, "-c", program] for program in programs]


@pytest.mark.parametrize(
    ("programs", "code"),
    [
        ((GOOD, GOOD), 0),
        ((GOOD, BAD, GOOD), 3),
        ((KILLED, GOOD), -signal.SIGKILL),
        ((BAD, KILLED), 3),
    ],
)
def test_the_first_failure_is_the_outcome(programs, code, capfd):
    """All steps run, also after one that was killed; the failed ones are named at the end."""
    assert run.run_steps(steps(*programs)) == code
    assert capfd.readouterr().err.count("FAILED") == len({BAD, KILLED} & set(programs))


def test_a_command_that_takes_no_arguments_says_so(monkeypatch, capsys):
    """`check --help` does not start a gate."""
    monkeypatch.setattr(sys, "argv", ["run.py", "check", "--help"])
    with pytest.raises(SystemExit):
        run.main()
    assert "check takes no further arguments" in capsys.readouterr().err


def test_a_step_sees_no_settings_of_ours(monkeypatch):
    """What is set in the shell changes no outcome; what the step is given arrives."""
    monkeypatch.setenv("TACTICS_QUEUE", "1")
    assert run.run_steps(steps(CLEAN), X="y") == 0
