"""Tries that show what they are to show only when their deadline is over."""

from collections.abc import Callable
from typing import TypeVar

from django.conf import settings

T = TypeVar("T")
#: Seconds.
DEADLINES = (0.4, 2.0, 10.0, 60.0)


def with_time_enough(work: Callable[[], T], is_so: Callable[[T], bool]) -> T:
    """What comes of a work whose tries have a short deadline, or a longer one where that was not enough.

    For what shows only when a deadline is over: a machine that stood still until then shows something else.
    """
    for deadline in DEADLINES:
        settings.DELIVERY_DEADLINE = settings.DELIVERY_CONNECT_DEADLINE = deadline
        came = work()
        if is_so(came):
            break
    return came
