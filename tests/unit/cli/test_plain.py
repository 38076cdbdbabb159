"""Options are read as typer would, without pydantic."""

import pytest
import typer

from tactics.cli.app import NOUNS, open_command
from tactics.cli.plain import Reader


@pytest.mark.parametrize(
    ("reader", "given", "value"),
    [(Reader(int, many=False), "12", 12), (Reader(int, many=False), None, None),
     (Reader(int, many=True), ("1", "2"), [1, 2]), (Reader(str, many=True), None, []),
     (Reader(int, many=False, least=1), 1, 1), (Reader(str, many=False), "x", "x")],
)  # fmt: skip
def test_text_becomes_the_kind_of_value_that_is_wanted(reader, given, value):
    """Whole numbers and lists of them, as given or as the default."""
    assert reader.coerce(given, None, None) == value


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("many", "'many' is not a whole number"),
        ("0", "0 is less than 1"),
        ("9", "9 is more than 8"),
    ],
)
def test_a_wrong_number_is_a_usage_error(given, problem):
    """The message says which rule the value breaks."""
    with pytest.raises(typer.BadParameter, match=problem):
        Reader(int, many=False, least=1, most=8).coerce(given, None, None)


def test_every_option_of_every_command_is_read_so():
    """A kind of option that only pydantic can read makes store-only commands slow again."""
    command = open_command()
    for noun in NOUNS:
        command.get_command(None, noun)
    pending = [command, *command.commands.values()]
    for group in pending:
        pending.extend(getattr(group, "commands", {}).values() if group is not command else ())
        for param in group.params:
            assert isinstance(param._runtime_param, Reader), (group.name, param.name)
