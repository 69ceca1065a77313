"""Threads that ask carriers: few while the processor is what they wait for, more while carriers are."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import monotonic, process_time

logger = logging.getLogger(__name__)

#: Threads that are started at once. Where carriers answer at once, more would only wait for each other.
FIRST = 4
#: Seconds between two looks whether more are wanted: that is where work waits although this process used less
#: than that share of a processor.
LOOK_EVERY, BUSY = 0.05, 0.4
#: Seconds that work waits at most for more threads, whatever the processor does: something else may keep it
#: busy while carriers keep the threads.
LONG = 1.0
#: Seconds after which a thread without work ends.
IDLE = 1.0

Work = Callable[[], None]


class Callers:
    """Does work on threads, in order, at most so many at once. It must not raise."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._work: SimpleQueue[Work] = SimpleQueue()
        #: Since when each of it waits.
        self._since: deque[float] = deque()
        self._lock = threading.Lock()
        #: There are so many.
        self.threads = 0
        self._looked_at = 0.0
        self._used = 0.0

    def do(self, work: Work) -> None:
        """Have it done. Whoever waits for that calls `look` meanwhile."""
        if self._work.empty():
            self._begin_to_look()
        self._since.append(monotonic())
        self._work.put(work)
        self._start(1, FIRST)

    def look(self) -> None:
        """Start more threads where carriers keep those there are; twice as many at each look."""
        now = monotonic()
        if self._work.empty() or now - self._looked_at < LOOK_EVERY:
            return
        busy = (process_time() - self._used) / (now - self._looked_at)
        if busy < BUSY or self._waited(now) >= LONG:
            self._start(min(max(self.threads, 1), self._work.qsize()), self._most)
        self._begin_to_look()

    def _waited(self, now: float) -> float:
        """Seconds that the first in order has waited; another thread may take it at this moment."""
        try:
            return now - self._since[0]
        except IndexError:
            return 0.0

    def _begin_to_look(self) -> None:
        self._looked_at, self._used = monotonic(), process_time()

    def _start(self, count: int, most: int) -> None:
        for _ in range(count):
            with self._lock:
                if self.threads >= min(most, self._most):
                    return
                self.threads += 1
            try:
                threading.Thread(target=self._run, name="carrier", daemon=True).start()
            except RuntimeError as error:
                # As many as the machine lets us have: those there are do the work, or the next look.
                logger.warning("no more threads to ask carriers: %s", error)
                with self._lock:
                    self.threads -= 1
                return

    def _run(self) -> None:
        while work := self._next():
            work()

    def _next(self) -> Work | None:
        """The next in order; None where this thread is to end: then it is not counted any more."""
        while True:
            try:
                work = self._work.get(timeout=IDLE)
            except Empty:
                with self._lock:
                    # Whoever puts some looks afterwards how many threads there are: it is found by one of us.
                    if self._work.empty():
                        self.threads -= 1
                        return None
            else:
                self._since.popleft()
                return work
