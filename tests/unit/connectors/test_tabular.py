"""CSV reports become JSON rows of text."""

import json

from tactics.connectors.tabular import rows_page, split_csv


def test_rows_stay_text() -> None:
    """Quotes, commas and line ends inside of a field survive; numbers stay as they were written."""
    text = '\ufeffDate,Name,Cost\r\n2026-11-01,"A, ""b""\nc",1.10\r\n\r\nend\r\n'
    rows = list(split_csv(text))
    assert rows == [["Date", "Name", "Cost"], ["2026-11-01", 'A, "b"\nc', "1.10"], [], ["end"]]
    page = json.loads(rows_page(rows[0], rows[1:2]))
    assert page == {
        "columns": ["Date", "Name", "Cost"],
        "rows": [["2026-11-01", 'A, "b"\nc', "1.10"]],
    }


def test_another_delimiter() -> None:
    """Tab separated files are the same with another delimiter."""
    assert list(split_csv("a\tb\n1,2\t3\n", "\t")) == [["a", "b"], ["1,2", "3"]]
