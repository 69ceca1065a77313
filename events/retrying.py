"""A second chance for work that the database refused for reasons that pass."""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import Error, InterfaceError, OperationalError, connection, transaction

from accounts import sweeps
from accounts.running import Job

logger = logging.getLogger(__name__)
T = TypeVar("T")


def once_more(work: Callable[[], T]) -> T:
    """Do it, and once again after a deadlock, a time-out or a lost connection.

    `work` must be safe to repeat. Within a transaction (a POST that keeps its answer) each try is a
    savepoint, so that the second one finds the transaction whole; one that is lost is not tried again.
    Raises what the last try raises.
    """
    try:
        return _tried(work)
    except (OperationalError, InterfaceError) as error:
        if connection.needs_rollback:
            raise
        logger.warning("the database refused, trying once more: %s", error)
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
    return _tried(work)


def _tried(work: Callable[[], T]) -> T:
    if not connection.in_atomic_block:
        return work()
    with transaction.atomic():
        return work()


def apart(work: Callable[[], object]) -> None:
    """Do it, once again if need be, and go on where the database refuses: for work that a lease covers."""
    try:
        once_more(work)
    except Error:
        sweeps.refused()
        logger.exception("the database refused twice; what is claimed is done again when its lease ends")


def once_more_running(make: Callable[[], Job[T]]) -> Job[T]:
    """`once_more` of a job: what `make` gives is begun anew after an error that passes."""
    try:
        return (yield from _tried_running(make))
    except (OperationalError, InterfaceError) as error:
        if connection.needs_rollback:
            raise
        logger.warning("the database refused, trying once more: %s", error)
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
    return (yield from _tried_running(make))


def _tried_running(make: Callable[[], Job[T]]) -> Job[T]:
    if not connection.in_atomic_block:
        return (yield from make())
    with transaction.atomic():
        return (yield from make())
