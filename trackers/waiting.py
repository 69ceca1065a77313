"""Requests that wait for carriers: how many of a process may, for how long, and how often they look."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock
from time import monotonic

from django.conf import settings

#: Seconds between two looks: short at first, since most carriers are quick, then ever longer.
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.02, 0.25, 1.5


class Room:
    """The places of one process: a quarter of its threads, so that the others go on answering."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = 0

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Whether there is a place to wait in; it is held while the block runs."""
        with self._lock:
            given = self._taken < max(1, settings.WEB_THREADS // 4)
            self._taken += given
        try:
            yield given
        finally:
            with self._lock:
                self._taken -= given


room = Room()


def deadline() -> float:
    """When a request that starts to wait now has waited long enough; of time.monotonic()."""
    return monotonic() + settings.TRACK_WAIT


def until(condition: Callable[[], bool], ends: float) -> bool:
    """Look until the condition holds or `ends` (of time.monotonic()) is there; whether it holds."""
    nothing, pause = Event(), _FIRST_PAUSE
    while not condition():
        left = ends - monotonic()
        if left <= 0:
            return False
        nothing.wait(min(pause, left))
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
    return True
