"""Named places where a test may kill the process.

`TACTICS_CRASH_AT=bronze.committed` kills the process (SIGKILL) the first time it gets there,
`bronze.committed:3` the third time. Without the variable `reach` costs one dictionary look-up.
Refuses names that are not listed here, so that a renamed place cannot silently lose its test.
"""

import os
import signal
from collections import Counter

CRASH_POINTS = (
    "ingest.page_appended",  # inside the transaction: a page written, not yet committed
    "ingest.page_committed",  # a batch of pages is durable, the slice goes on
    "ingest.slice_completed",  # the last page and the coverage are durable
    "bronze.files_written",  # data files exist, the catalog does not know them
    "bronze.committed",  # the catalog moved, the consumer position has not
    "bronze.acknowledged",  # the consumer position moved
    "silver.files_written",
    "silver.committed",
    "silver.quarantined",  # the refused rows are committed, the good ones are not yet
    "silver.acknowledged",
    "gold.built",  # the new generation is complete, the pointer still shows the old one
    "gold.published",  # the pointer moved, the consumer position has not
    "gold.acknowledged",
    "retry.enqueued",  # a failed write is a row in the retry queue
    "retry.attempted",  # the retry succeeded, its row is not finalized
    "dead_letter.discarded",  # the row has become a dead letter
)

_reached: Counter[str] = Counter()


def reach(name: str) -> None:
    """Die here, without any clean-up, if the environment says so."""
    wanted = os.environ.get("TACTICS_CRASH_AT")
    if wanted is None:
        return
    assert name in CRASH_POINTS, name
    place, _, count = wanted.partition(":")
    if place != name:
        return
    _reached[name] += 1
    if _reached[name] >= int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
