"""Progress bars."""

import io

from rich.console import Console

from tactics.cli.progress import Bars


def test_bars_show_sources_slices_pages_and_the_stage():
    """Several rounds of slices add up in one bar per source."""
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True)
    with Bars(console) as bars:
        bars.begin("acme", "meta", slices=2)
        bars.begin("acme", "meta", slices=1)
        bars.advance("acme", "meta", pages=1200)
        bars.stage("silver")
        bars.refresh()
    text = out.getvalue()
    assert "acme/meta" in text
    assert "1/3" in text
    assert "1,200 pages" in text
    assert "typing rows (silver)" in text


def test_bars_are_silent_without_a_terminal(capsys):
    """A log file gets no control characters; stdout never gets any."""
    with Bars() as bars:
        bars.begin("acme", "meta", slices=2)
        bars.advance("acme", "meta", pages=1)
        bars.stage("bronze")
    streams = capsys.readouterr()
    assert (streams.out, streams.err) == ("", "")


def test_a_slice_of_an_unannounced_source_is_counted():
    """Order of the calls does not matter to who only watches."""
    with Bars(Console(file=io.StringIO())) as bars:
        bars.advance("acme", "meta", pages=1)
