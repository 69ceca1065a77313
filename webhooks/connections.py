"""Which of the connections that libcurl keeps have ended meanwhile: it looks by itself only once a second."""

import select

#: The two addresses and ports of a connection.
Ends = tuple[str, str, int, int]

_OVER = select.POLLRDHUP | select.POLLHUP | select.POLLERR


class Kept:
    """The descriptors of connections, by their ends; the oldest are forgotten beyond `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._descriptors: dict[Ends, int] = {}

    def remember(self, ends: Ends, descriptor: int) -> None:
        """This connection was opened; `descriptor` is libcurl's own, and stays open as long as it is kept."""
        self._descriptors.pop(ends, None)
        self._descriptors[ends] = descriptor
        if len(self._descriptors) > self._limit:
            del self._descriptors[next(iter(self._descriptors))]

    def has_ended(self, ends: Ends) -> bool:
        """Whether the other side has closed this connection, which is to be used next. False: unknown."""
        descriptor = self._descriptors.get(ends, -1)
        if descriptor < 0:
            return False
        poll = select.poll()
        poll.register(descriptor, select.POLLRDHUP)
        return any(events & _OVER for _, events in poll.poll(0))
