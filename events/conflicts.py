"""Requests that meet others on the same rows."""

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError

from accounts.errors import ApiError
from events.retrying import once_more

T = TypeVar("T")

#: SQLSTATEs of having waited too long or in a circle: lock_not_available, deadlock_detected, query_canceled.
_CONFLICTS = frozenset({"55P03", "40P01", "57014"})


def or_conflict(work: Callable[[], T]) -> T:
    """Do it, once again after a time-out or deadlock, and else say that the caller may try later.

    Raises ApiError 409 `request_conflict` with Retry-After. `work` opens its own transaction, and may find
    that its first try was committed although the answer was lost.
    """
    try:
        return once_more(work)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) not in _CONFLICTS:
            raise
        message = "Other requests held the same data for too long."
        raise ApiError(409, "request_conflict", message, {"Retry-After": "5"}) from error
