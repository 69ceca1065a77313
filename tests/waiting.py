"""Waiting for a condition, instead of sleeping."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], within: float = 60.0) -> None:
    """Return as soon as the condition holds. Raises AssertionError when it does not in time (seconds).

    The time is a bound against hanging, and no part of what is proved: a busy machine is slow.
    """
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not so within {within} s: {condition}")
        time.sleep(0.01)
