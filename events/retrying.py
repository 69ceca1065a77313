"""A second chance for work that the database refused for reasons that pass."""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

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
