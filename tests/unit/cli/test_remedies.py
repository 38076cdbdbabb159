"""Every error has an answer to `what do I do now`."""

from collections.abc import Iterator

from tactics.cli.remedies import REMEDIES, remedy_for
from tactics.errors import TacticsError


def all_errors(group: type[TacticsError] = TacticsError) -> Iterator[type[TacticsError]]:
    """Yield every error class below `group`."""
    for error in group.__subclasses__():
        yield error
        yield from all_errors(error)


def test_every_error_class_has_a_remedy_and_no_remedy_is_left_over():
    """Adding an error without a remedy fails here."""
    ours = {error.code for error in all_errors() if error.__module__ == "tactics.errors"}
    assert set(REMEDIES) == ours


def test_the_hint_of_the_error_goes_first():
    """What the error itself advises is more exact than the general advice."""
    assert remedy_for("rate_limited", "wait until noon") == "wait until noon"
    assert remedy_for("unheard_of")


def test_a_remedy_can_be_pasted():
    """The placeholders are filled in where the names are known."""
    advice = remedy_for("credential_error", names={"org": "acme", "source": "meta"})
    assert "`tactics auth set acme meta <name>`" in advice


def test_a_page_in_the_log_is_not_fetched_again():
    """What bronze refused is mended by hand, not by the vendor."""
    assert "tactics sync" in remedy_for("decode_error", stage="ingest")
    assert "`tactics dlq edit 7`" in remedy_for("decode_error", names={"id": 7}, stage="bronze")
