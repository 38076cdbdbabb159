"""Turns whatever ends a command into one line of talk, a hint and an exit code.

Knows every error class and no command.
"""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import typer

from tactics.errors import TacticsError

OUR_FAULT = 1
USAGE = 2
DEGRADED = 6
INTERRUPTED = 130
READER_GONE = 141


def exit_code_of(command: Callable[[], object]) -> int:
    """Run `command` and return the exit code of DESIGN section 11, having said why on stderr."""
    try:
        answer = command()
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):  # Ctrl-C, at work or at a question
        answer = INTERRUPTED
    except BrokenPipeError:
        return _leave_quietly()
    except Exception as exc:  # noqa: BLE001 (the CLI's main: here it becomes an exit code)
        return _explain(exc)
    if answer == INTERRUPTED:  # typer returns it, too
        return _explain_interruption()
    return answer if isinstance(answer, int) else 0


def leave(exit_code: int) -> NoReturn:
    """End the command here.

    Raises:
        Exit: always.
    """
    raise typer.Exit(exit_code)


def complain(message: str, *, hint: str = "") -> None:
    """Print `error: …` and, on its own line, what to do."""
    from tactics.cli.render import say

    say("error: ", message, style="bold red")
    if hint:
        say("hint: ", hint, style="cyan")


def _explain(exc: Exception) -> int:
    match exc:
        case TacticsError():
            complain(str(exc), hint=exc.hint)
            return exc.exit_code
        case typer.TyperException():
            return _explain_usage(exc)
        case RuntimeError() if str(exc) == "Query interrupted":  # DuckDB's word for Ctrl-C
            return _explain_interruption()
        case _:
            return _explain_crash(exc)


def _explain_interruption() -> int:
    from tactics.cli.render import say

    say("", "interrupted; what was fetched is kept, and the same command goes on from there")
    return INTERRUPTED


def _explain_usage(exc: typer.TyperException) -> int:
    context = getattr(exc, "ctx", None)
    text = exc.format_message()
    if type(exc).__name__ == "NoArgsIsHelpError":  # `tactics dlq`: the help is the answer
        typer.echo(text, err=True)
        return USAGE
    hint = _misplaced(context, getattr(exc, "option_name", "")) if context is not None else ""
    path = context.command_path if context is not None else "tactics"
    complain(text[:1].lower() + text[1:].rstrip("."), hint=hint or f"{path} --help")
    return USAGE


def _misplaced(context: typer.Context, option: str) -> str:
    """Return where an option belongs that the command lacks and `tactics` itself has, or nothing."""
    root = context.find_root()
    known = {name for parameter in root.command.params for name in parameter.opts}
    if context is root or option not in known:
        return ""
    command = context.command_path.removeprefix(f"{root.command_path} ")
    return f"{option} stands before the command: {root.command_path} {option} … {command}"


def _explain_crash(exc: Exception) -> int:
    kept = _keep_traceback(exc)
    complain(
        f"tactics has failed: {type(exc).__name__}: {_without_secrets(str(exc))}",
        hint=f"this is our fault; the traceback is in {kept}",
    )
    return OUR_FAULT


def _keep_traceback(exc: Exception) -> Path:
    import tempfile

    handle, name = tempfile.mkstemp(prefix="tactics-traceback-", suffix=".txt")  # mode 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(_without_secrets("".join(traceback.format_exception(exc))))
    return Path(name)


def _without_secrets(text: str) -> str:
    from tactics.transport import redact

    return redact(text)


def _leave_quietly() -> int:
    # `tactics … | head` has read enough; keep the interpreter from flushing into the closed pipe.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return READER_GONE
