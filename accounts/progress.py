"""How far this process has come: whoever looks for due rows in the database says so here.

Free of Django. A worker's sweeps ask whether anything was done since they last asked; their own thread may
be told of it at once.
"""

import threading
from collections.abc import Callable


class _OfThread(threading.local):
    """Who is told of progress in this thread."""

    tell: Callable[[], None] | None = None


_of_thread = _OfThread()
#: Set since somebody looked for due rows, until it is asked for.
_made = threading.Event()


def made() -> None:
    """The database was asked for work, or told what became of some, and answered. Costs nothing to say."""
    _made.set()
    if _of_thread.tell:
        _of_thread.tell()


def was_made() -> bool:
    """Whether any thread of this process has made progress since this was asked last."""
    was = _made.is_set()
    _made.clear()
    return was


def tell_of_mine(tell: Callable[[], None]) -> None:
    """Have `tell` called whenever this thread makes progress."""
    _of_thread.tell = tell
