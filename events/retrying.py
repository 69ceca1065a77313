"""A second chance for work that the database refused for reasons that pass."""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import Error, InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)
T = TypeVar("T")


def once_more(work: Callable[[], T]) -> T:
    """Do it, and once again after a deadlock, a time-out or a lost connection.

    `work` must be safe to repeat, and is called outside any transaction. Raises what the second try raises.
    """
    try:
        return work()
    except (OperationalError, InterfaceError) as error:
        logger.warning("the database refused, trying once more: %s", error)
        connection.close_if_unusable_or_obsolete()
    return work()


def apart(work: Callable[[], object]) -> None:
    """Do it, once again if need be, and go on where the database refuses: for work that a lease covers."""
    try:
        once_more(work)
    except Error:
        logger.exception("the database refused twice; what is claimed is done again when its lease ends")
