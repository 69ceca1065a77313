"""Waiting for a condition, instead of sleeping."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], within: float = 10.0) -> None:
    """Return as soon as the condition holds. Raises AssertionError when it does not in time (seconds)."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not so within {within} s: {condition}")
        time.sleep(0.01)
