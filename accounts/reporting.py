"""What came of work that is done by the thousand: a line of sums every few seconds, and a few examples.

A line costs a good part of what a delivery costs. So none is written for each: what became of one stands in
its row, by the ids that the examples have too.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from threading import Lock
from time import monotonic

#: Seconds between two lines of sums while work goes on, and failures of each that are told one by one.
EVERY, EXAMPLES = 10.0, 10


class Report:
    """Sums of one kind of work in this process, whichever of its threads does it."""

    def __init__(self, logger: logging.Logger, sums: str, example: str) -> None:
        """`sums` and `example`: what the two kinds of lines say."""
        self._logger, self._sums, self._example = logger, sums, example
        self._lock = Lock()
        self._counts: Counter[str] = Counter()
        self._began_at = 0.0
        self._told = 0

    def note(self, outcomes: Iterable[str]) -> None:
        """Count what ended; write the sums where it is time."""
        now = monotonic()
        with self._lock:
            if not self._counts:
                self._began_at = now
            self._counts.update(outcomes)
            is_time = now - self._began_at >= EVERY
        if is_time:
            self.leave()

    @property
    def wants_examples(self) -> bool:
        """Whether failures are still told one by one."""
        return self._told < EXAMPLES or self._logger.isEnabledFor(logging.DEBUG)

    def tell(self, ids: Mapping[str, object], outcome: str) -> None:
        """Write one failure; beyond the first few, for DEBUG only."""
        with self._lock:
            self._told += 1
            level = logging.INFO if self._told <= EXAMPLES else logging.DEBUG
        self._logger.log(level, self._example, extra={**ids, "outcome": outcome})

    def leave(self) -> None:
        """Write the sums, if anything ended."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            began, self._told = self._began_at, 0
        if counts:
            said = {"counts": dict(counts), "seconds": round(monotonic() - began, 2)}
            self._logger.info(self._sums, extra=said)
