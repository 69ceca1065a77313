"""The polls that are due."""

from datetime import timedelta

from accounts.queues import Queue
from trackers.claiming import oldest_due


def queues() -> list[Queue]:
    """What could be asked now: what waits for a day's calls, a pace or a carrier is not late."""
    return [
        Queue("polls", oldest_due(), timedelta(minutes=1), "trackers_watch_changelist"),
    ]
