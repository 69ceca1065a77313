"""Calls that begin at the same moment, each on a connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


def at_once(*works: Callable[[], T]) -> list[T]:
    """What each gives, in their order. Raises what the first of them raises."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        try:
            gate.wait(60)
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))
