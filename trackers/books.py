"""Answers are concluded beside whoever asks for more: on a thread, with a connection of its own."""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Event, Lock
from uuid import UUID

from django.db import Error, connection

from trackers.claims import Claim
from trackers.concluding import Claimed, Concluding, Ended, conclude

logger = logging.getLogger(__name__)

Batch = Sequence[tuple[Claimed, Ended]]

#: Calls under way and ended from which on there is a thread: fewer are concluded as fast without.
MUCH = 40


class Books:
    """What ended in one run of polling, until it is recorded and settled.

    Few answers are concluded at once, where they are taken, as are all within a transaction: another
    connection would not see it. So are all where the database has no second connection for us. What is lost
    with the process stays claimed until its lease ends.
    """

    def __init__(self) -> None:
        self._batches: SimpleQueue[Batch | None] = SimpleQueue()
        self._waiting: dict[tuple[UUID, UUID], Claim] = {}
        self._lock = Lock()
        self._moved = Event()
        self._clerk: Future[None] | None = None
        self._has_one_connection = False

    def __len__(self) -> int:
        """How many claims are not given back yet."""
        return len(self._waiting)

    @property
    def waiting(self) -> list[Claim]:
        """Claims that are not given back yet."""
        with self._lock:
            return list(self._waiting.values())

    def take(self, ended: Batch, under_way: int) -> None:
        """Conclude these, beside so many that are under way. Raises what the thread has failed with."""
        self._heed_end()
        if not ended:
            return
        if self._clerk is None and self._are_concluded_here(len(ended) + under_way):
            conclude(ended)
            self._moved.set()
            return
        with self._lock:
            self._waiting |= {asked.claim.name: asked.claim for asked, _ in ended}
        self._batches.put(ended)
        if self._clerk is None:
            self._clerk = _beside(self._conclude_beside)

    def have_moved(self, wait: float = 0.0) -> bool:
        """Whether claims were given back since the last look; waits for that so many seconds."""
        moved = self._moved.wait(wait)
        self._moved.clear()
        self._heed_end()
        return moved

    def close(self) -> None:
        """Wait until all is concluded. Raises what the thread has failed with."""
        if self._clerk:
            self._batches.put(None)
            self._clerk.result()
            self._clerk = None
            self._conclude()

    def _are_concluded_here(self, calls: int) -> bool:
        return calls < MUCH or self._has_one_connection or connection.in_atomic_block

    def _heed_end(self) -> None:
        """The thread ends before it is asked to where it failed, or where it had no connection."""
        if self._clerk and self._clerk.done():
            self._clerk.result()
            self._has_one_connection = True
            self.close()
            self._batches = SimpleQueue()

    def _conclude_beside(self) -> None:
        """What a thread does. Without a connection it leaves all to whoever began it."""
        try:
            if _is_connected():
                self._conclude()
        finally:
            connection.close()
            self._moved.set()

    def _conclude(self) -> None:
        """What says nothing new is settled first, then one merchant's news is recorded, and so on."""
        concluding = Concluding()
        while (batch := self._next(at_once=len(concluding) > 0)) is not None or concluding:
            self._given_back(concluding.take(batch) if batch else concluding.record_next())

    def _next(self, *, at_once: bool) -> Batch | None:
        """What ended next; None where nothing has, or nothing will any more."""
        try:
            batch = self._batches.get(block=not at_once)
        except Empty:
            return None
        if batch is None:
            self._batches.put(None)
        return batch

    def _given_back(self, claims: Iterable[Claim]) -> None:
        with self._lock:
            for one in claims:
                del self._waiting[one.name]
        self._moved.set()


def _is_connected() -> bool:
    """Whether this thread has a connection of its own, or gets one."""
    try:
        connection.ensure_connection()
    except Error as error:
        logger.warning("no second connection is to be had, answers are recorded on the first: %s", error)
        return False
    return True


def _beside(work: Callable[[], None]) -> Future[None]:
    """Begin this on a thread that ends with it."""
    threads = ThreadPoolExecutor(1, "books")
    begun = threads.submit(copy_context().run, work)  # its lines name the task too
    threads.shutdown(wait=False)
    return begun
