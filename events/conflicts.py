"""Requests that meet others on the same rows."""

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError

from accounts.errors import ApiError
from events.retrying import once_more

T = TypeVar("T")


def or_conflict(work: Callable[[], T]) -> T:
    """Do it, once again after a time-out or deadlock, and else say that the caller may try later.

    Raises ApiError 409 `request_conflict` with Retry-After. `work` opens its own transaction.
    """
    try:
        return once_more(work)
    except OperationalError as error:
        message = "Other requests held the same data for too long."
        raise ApiError(409, "request_conflict", message, {"Retry-After": "5"}) from error
