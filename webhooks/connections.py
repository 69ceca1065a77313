"""Which of the connections that libcurl keeps have ended meanwhile: it looks by itself only once a second."""

import select
from collections.abc import Callable

#: The two addresses and ports of a connection.
Ends = tuple[str, str, int, int]
#: Says at once, for 0, what has happened to a connection.
Look = Callable[[int], list[tuple[int, int]]]


class Kept:
    """The connections by their ends; the oldest are forgotten beyond `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._looks: dict[Ends, Look] = {}

    def remember(self, ends: Ends, descriptor: int) -> None:
        """This connection was opened; `descriptor` is libcurl's own, and stays open as long as it is kept."""
        self._looks.pop(ends, None)
        if descriptor < 0:
            return
        poll = select.poll()
        poll.register(descriptor, select.POLLRDHUP)
        self._looks[ends] = poll.poll
        if len(self._looks) > self._limit:
            del self._looks[next(iter(self._looks))]

    def has_ended(self, ends: Ends) -> bool:
        """Whether the other side has closed this connection, which is to be used next. False: unknown."""
        look = self._looks.get(ends)
        # Nothing else is reported: POLLRDHUP was asked for, the rest are kinds of ends too.
        return look is not None and bool(look(0))
