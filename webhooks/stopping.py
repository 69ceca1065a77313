"""The word to stop, shared by a worker's parent and children.

Free of Django, so that the parent can make it before it forks: config.celery sets it when the worker is told
to shut down, and the pump reads it between claims.
"""

import os
import select
import threading
from contextlib import suppress


class Word:
    """Heard by this process and by those it forks.

    Nobody holds a lock for it: who is killed while asking leaves nobody waiting for ever, and a signal's
    handler may set it whatever it interrupted.
    """

    def __init__(self) -> None:
        self._said = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._said_here = threading.Event()

    def set(self) -> None:
        """All of these processes are to stop."""
        os.eventfd_write(self._said, 1)

    def set_here(self) -> None:
        """This process is to stop, and the others go on."""
        self._said_here.set()

    def is_set(self) -> bool:
        return self._said_here.is_set() or self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Whether all of them are to stop; waits so long for that."""
        poll = select.poll()
        poll.register(self._said, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def clear(self) -> None:
        """For tests: a worker that is shutting down does not come back."""
        self._said_here.clear()
        with suppress(BlockingIOError):
            os.eventfd_read(self._said)


#: Set once.
stop = Word()
