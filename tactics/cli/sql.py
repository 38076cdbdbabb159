"""`tactics sql`: read-only SQL over the gold tables and views of silver and bronze."""

import sys
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsCsv, AsJson, new_command

if TYPE_CHECKING:
    from tactics.cli.render import Form
    from tactics.cli.session import Session

app = new_command()


@app.command()
def sql(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="SQL", help="one statement; `-` reads stdin")],
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Ask the data in SQL, read-only.

    Gold tables go by their name (campaign_pacing), the lake's as silver.… and bronze.pages.
    `SHOW ALL TABLES` lists them.
    """
    from tactics.cli.render import Form, choose_form, write_csv

    session: Session = context.obj
    form = choose_form(as_json, as_csv)
    text = sys.stdin.read() if query == "-" else query
    names, values = _ask(session, text)
    names = distinct(names)
    rows = [dict(zip(names, row, strict=True)) for row in values]
    if form is Form.CSV:
        write_csv(rows, names)
    else:
        _show(session, names, rows, form)


def _ask(session: "Session", text: str) -> tuple[Sequence[str], list[tuple[object, ...]]]:
    """Return names and rows; what names tables of gold only leaves the lake, a second's work, closed."""
    from tactics.duck import DuckLimits
    from tactics.gold import Gold

    home, limits = session.home, session.settings().gold
    gold = Gold(home, DuckLimits(home.scratch, limits.memory_limit, limits.threads))
    if answer := gold.answer(text):
        return answer.columns, answer.rows
    from tactics import pipeline

    with session.workspace() as workspace:
        return pipeline.query(workspace, text)


def distinct(names: Sequence[str]) -> list[str]:
    """Return `names` with `_1`, `_2` after those that came before: a join hides no column."""
    told: list[str] = []
    for name in names:
        free = (f"{name}_{number}" for number in count(1))
        taken = {*told, *names}
        told.append(name if name not in told else next(new for new in free if new not in taken))
    return told


def _cell(value: object) -> str:
    from tactics.cli.render import plain_text
    from tactics.cli.words import NOTHING

    return NOTHING if value is None else plain_text(value)


def _show(
    session: "Session", names: list[str], rows: list[dict[str, object]], form: "Form"
) -> None:
    from tactics.cli.render import Column, Form, Listing, as_records, console, emit, fits, show

    columns = [Column(name, name, _cell) for name in names]
    if form is Form.TABLE and rows and not fits(rows, columns, console().width):
        emit(as_records(rows, columns), soft_wrap=True)
    else:
        show(Listing("sql", rows, columns, session.clock().now(), empty="no rows"), form)
