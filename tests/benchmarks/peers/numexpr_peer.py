"""The same ratios with numexpr over float arrays in memory. Prints seconds and sums.

Runs in the peers' environment; imports nothing of ours. Usage: numexpr_peer.py <rows> <repeats>.
"""

import json
import sys
import time

import numexpr
import numpy as np

# A ratio without a divisor is nothing: it adds nothing to the sum, as NULL does in SQL.
FORMULAS = (
    "where(impressions > 0, clicks / impressions, 0)",
    "where(clicks > 0, spend / clicks, 0)",
    "where(impressions > 0, spend / impressions * 1000, 0)",
    "where(conversions > 0, spend / conversions, 0)",
    "where(spend > 0, conversion_value / spend, 0)",
    "where(clicks > 0, conversions / clicks, 0)",
)


def main() -> None:
    """Make the columns, then evaluate and add up each formula."""
    rows, repeats = map(int, sys.argv[1:])
    number = np.arange(rows, dtype=np.int64)
    columns = {
        "impressions": (number * 7919 % 40000).astype(float),
        "clicks": (number * 104729 % 900).astype(float),
        "spend": (number * 1299709 % 100000) / 100,
        "conversions": (number * 15485863 % 60) / 2,
        "conversion_value": (number * 32452843 % 500000) / 100,
    }
    del number
    out = np.empty(rows)
    seconds = []
    for _ in range(repeats + 1):  # the first one compiles the formulas
        started = time.perf_counter()
        sums = [float(numexpr.evaluate(text, columns, out=out).sum()) for text in FORMULAS]
        seconds.append(time.perf_counter() - started)
    sys.stdout.write(json.dumps({"seconds": seconds[1:], "sums": sums}))


if __name__ == "__main__":
    main()
