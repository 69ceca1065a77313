"""Waits for libcurl's sockets, and one descriptor of somebody else's: epoll. Opens nothing."""

import os
import select
import threading
from contextlib import suppress

#: Sockets that are looked after at once, lest who waits beside them waits for all of a thousand.
ROUND = 64
#: libcurl's bits for what to watch for and what was seen, and those of epoll.
_IN, _OUT, _ERROR = 1, 2, 4
_WANTED = (0, select.EPOLLIN, select.EPOLLOUT, select.EPOLLIN | select.EPOLLOUT)
_ALL = select.EPOLLIN | select.EPOLLPRI | select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP
_SEEN = [
    (_IN if events & select.EPOLLIN else 0)
    | (_OUT if events & select.EPOLLOUT else 0)
    | (_ERROR if events & (select.EPOLLERR | select.EPOLLHUP) else 0)
    for events in range(_ALL + 1)
]


class Watch:
    """The sockets to wait for, by descriptor; `also` is one that is not libcurl's, None for none.

    `watch` and `drop` raise nothing: libcurl calls them, and would have no more of a wire where they fail.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: set[int] = set()

    def watch(self, descriptor: int, wanted: int) -> None:
        """Watch this one for what libcurl wants."""
        if descriptor in self._watched:
            # One that was closed and opened anew, unheard of, is not in there any more.
            with suppress(FileNotFoundError):
                self._epoll.modify(descriptor, _WANTED[wanted])
                return
        self._watched.add(descriptor)
        with suppress(FileExistsError):
            self._epoll.register(descriptor, _WANTED[wanted])

    def drop(self, descriptor: int) -> None:
        """Watch this one no more."""
        self._watched.discard(descriptor)
        with suppress(OSError):
            self._epoll.unregister(descriptor)

    def begin(self, also: int | None) -> None:
        """Watch this one too until `end`: by then its owner may close it, and its number be another's."""
        if also is not None:
            self._epoll.register(also, select.EPOLLIN)

    def end(self, also: int | None) -> None:
        """Undo `begin`."""
        if also is not None:
            self._epoll.unregister(also)

    def ready(self, seconds: float, also: int | None) -> tuple[list[tuple[int, int]], bool]:
        """What is ready within so many seconds, at most ROUND of them, and whether `also` is."""
        found = self._epoll.poll(seconds, ROUND)
        sockets = [(descriptor, _SEEN[events & _ALL]) for descriptor, events in found if descriptor != also]
        if also is None or len(found) < ROUND:
            return sockets, len(sockets) < len(found)
        return sockets, is_readable(also)

    def close(self) -> None:
        """Watch nothing any more."""
        self._epoll.close()


def is_readable(descriptor: int) -> bool:
    """Whether there is something to read, or an end or error to hear of, by now."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


class Bell:
    """Wakes a loop from other threads: its descriptor can be read once somebody rang."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lock = threading.Lock()
        self._is_open = True

    def ring(self) -> None:
        """Nothing once it is closed."""
        with self._lock:
            if self._is_open:
                os.eventfd_write(self.descriptor, 1)

    def hush(self) -> None:
        """It was heard."""
        with suppress(BlockingIOError):
            os.eventfd_read(self.descriptor)

    def close(self) -> None:
        """Rings no more."""
        with self._lock:
            self._is_open = False
            os.close(self.descriptor)
