"""Does one function in a process of its own, so that its memory is its own.

Usage: python -m tests.benchmarks.child <module>:<function> <arguments as JSON>
"""

import importlib
import json
import resource
import sys
from typing import Any

from tests.benchmarks.launch import PEAK_UNIT


def main() -> None:
    """Print what the function returns, and the most memory that this process held, as JSON."""
    name, arguments = sys.argv[1:]
    sys.stdout.write(json.dumps(do(name, json.loads(arguments))) + "\n")


def do(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call the function, and say what this process came to."""
    module, _, function = name.partition(":")
    result = getattr(importlib.import_module(module), function)(**arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT
    return {"result": result, "peak_bytes": peak}


if __name__ == "__main__":
    main()
