"""Polling in the test's own process, as a worker's task does."""

from trackers import polling
from trackers.claiming import oldest_due
from trackers.polling import Poller


def poll_due() -> int:
    """Poll until nothing is due, in as many runs as that takes on a busy machine. How many polls ended."""
    ended = 0
    for _ in range(30):
        ended += Poller().run(1)
        if not polling._left and oldest_due() is None:
            break
    return ended
