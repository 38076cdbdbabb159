"""A process that loads the lake and may be killed on the way.

`python -m tests.unit.lake.child HOME` appends and loads a fixed history; run again it must end in
the same state, wherever the first run died.
"""

import resource
import signal
import sys
from pathlib import Path

from tactics.errors import SinkUnavailable
from tactics.home import Home
from tactics.lake import Lake
from tests.unit.lake.support import Vendor, ad, open_lake

REFUSED = 7


def replay(lake: Lake) -> None:
    """Append and load three fetches: two windows that overlap, with refused and repeated rows."""
    vendor = Vendor()
    fetches = [
        vendor.fetch("r1", [[ad("a", 1), ad("b", 1, "N/A")], [ad("a", 2), ad("a", 2)]]),
        vendor.fetch("r2", [[ad("a", 2, "2.00"), ad("c", 2, "bad")]], first=2, last=3),
        vendor.fetch("r3", [[ad("a", 33, "3.00"), ad("d", 33, "bad")]], first=33, last=33),
    ]
    for pages in fetches:
        name = pages[0].request_id
        lake.append_pages(pages, f"bronze-{name}")
        lake.load_silver(vendor.load(f"silver-{name}", name))


def main(home: Home, limit_bytes: int) -> int:
    """Replay; with a limit, no file may grow beyond it, as on a disk that is full."""
    if limit_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    try:
        with open_lake(home) as lake:
            replay(lake)
    except SinkUnavailable as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(Home(Path(sys.argv[1])).create(), int(sys.argv[2]) if sys.argv[2:] else 0))
