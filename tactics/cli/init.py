"""`tactics init`: a configuration to start from. Never overwrites one."""

from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsJson, new_command
from tactics.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from tactics.cli.session import Session

app = new_command()


@app.command()
def init(
    context: typer.Context,
    only_print: Annotated[
        bool, typer.Option("--print", help="print the text, write nothing")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a commented tactics.toml to start from."""
    from tactics.cli.example import example_config
    from tactics.cli.render import envelope, say, write_json
    from tactics.connectors import find_connector, known_kinds

    session: Session = context.obj
    text = example_config([find_connector(kind) for kind in known_kinds()])
    if only_print:
        typer.echo(text, nl=False)
        return
    path = session.config_path
    _write_new(path, text)
    if as_json:
        write_json(envelope("init", [{"path": path}], session.clock().now()))
    else:
        typer.echo(f"written: {path}")
    say(
        "next: ", "name your sources in it, `tactics auth set …`, then `tactics sync`", style="cyan"
    )


def _make_folder(folder: "Path") -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as exc:
        raise NotADirectoryError(exc.errno, "not a folder", str(folder)) from exc


def _write_new(path: "Path", text: str) -> None:
    try:
        _make_folder(path.parent)
        with path.open("x", encoding="utf-8") as file:
            path.chmod(0o600)
            file.write(text)
    except FileExistsError:
        raise ConfigError(
            "there is a configuration already",
            hint="edit it, or name another with --config",
            path=path,
        ) from None
    except OSError as exc:
        raise ConfigError("the configuration cannot be written", path=path) from exc
