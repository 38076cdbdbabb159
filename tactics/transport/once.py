"""Lets threads that begin together wait for one result, where a plain cache has each work it out."""

import functools
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def once(function: Callable[P, T]) -> Callable[P, T]:
    """Return `function`, called once in a process for the same arguments (hashable, a few at a time).

    What it raises is raised, and not remembered.
    """
    lock = threading.Lock()
    remembered = functools.lru_cache(maxsize=8)(function)

    @functools.wraps(function)
    def ask(*args: P.args, **kwargs: P.kwargs) -> T:
        with lock:
            return remembered(*args, **kwargs)  # type: ignore[arg-type]  # mypy knows only Hashable

    return ask
