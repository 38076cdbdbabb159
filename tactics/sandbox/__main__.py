"""`python -m tactics.sandbox` serves a world to other processes and prints where, as one JSON line.

For tests and benchmarks that need the server outside of their own process.
"""

import argparse
import datetime as dt
import json
import sys

from tactics.sandbox import BulkMeta, World, serve


def main() -> None:
    """Serve until stopped through `/_control/stop`, by a signal, or after `--max-seconds`."""
    parser = argparse.ArgumentParser(prog="python -m tactics.sandbox")
    parser.add_argument("--today", type=dt.date.fromisoformat, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--max-seconds", type=float, default=600.0)
    parser.add_argument(
        "--bulk-pages", type=int, default=0, help="serve this many pages of 500 rows"
    )
    parser.add_argument("--bulk-campaigns", type=int, default=2500)
    given = parser.parse_args()
    world: World | BulkMeta
    if given.bulk_pages:
        world = BulkMeta(
            pages=given.bulk_pages,
            campaigns=given.bulk_campaigns,
            today=given.today,
            seed=given.seed,
        )
    else:
        world = World(given.seed, today=given.today, days=given.days)
    with serve(world, port=given.port, max_seconds=given.max_seconds) as sandbox:
        sys.stdout.write(json.dumps({"url": sandbox.url}) + "\n")
        sys.stdout.flush()
        sandbox.wait()


if __name__ == "__main__":
    main()
