"""A small parser of Prometheus' text format that refuses what the format does not allow.

Source: Prometheus exposition formats, text format 0.0.4.
"""

import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")
PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


@dataclass
class Family:
    """One metric: its type, its help, and the value of each set of labels."""

    kind: str = ""
    help: str = ""
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)


def parse(text: str) -> dict[str, Family]:
    """Return the families of an exposition; refuses what is not in the format."""
    assert text.endswith("\n"), "the last line must end"
    families: dict[str, Family] = {}
    current = ""
    for line in text.removesuffix("\n").split("\n"):  # no other character ends a line
        if line.startswith("#"):
            _, what, current, told = line.split(" ", 3)
            family = families.setdefault(current, Family())
            assert not family.samples, f"{current}: HELP and TYPE stand before the samples"
            assert what in {"HELP", "TYPE"}, line
            setattr(family, "help" if what == "HELP" else "kind", told)
            assert what == "HELP" or told in {"counter", "gauge"}, line
            continue
        match = SAMPLE.fullmatch(line)
        assert match, f"no sample: {line!r}"
        name, labels, value = match.groups()
        assert name == current, f"{name} stands among the samples of {current}"
        key = tuple((name, unescape(told)) for name, told in PAIR.findall(labels or ""))
        assert len(dict(key)) == len(key), f"a label stands twice: {line!r}"
        assert key not in families[name].samples, f"a sample stands twice: {line!r}"
        families[name].samples[key] = float(value)
    return families


def unescape(told: str) -> str:
    """Return the text of a label."""
    return re.sub(r"\\[\\\"n]", lambda found: ESCAPES[found[0]], told)
