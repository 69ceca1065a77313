"""Ask carriers, many at once, on threads. What answers first is had first."""

import logging
import threading
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, partial
from itertools import count
from time import monotonic
from typing import Generic, TypeVar
from uuid import UUID

from carriers.adapter import Query
from carriers.budget import most_calls
from carriers.callers import Callers
from carriers.exceptions import BadResponse, CarrierError, KeyExhausted, KeyRejected, TooLate
from carriers.http import HttpClient
from carriers.registry import adapter
from carriers.snapshot import Snapshot
from carriers.starting import Calls

logger = logging.getLogger(__name__)

#: Questions of one fetcher that are asked at the same time, at most. Most are there for calls that hang.
THREADS = 200
#: Seconds between two looks whether questions wait for threads.
TICK = 0.02

Context = TypeVar("Context")


@dataclass(frozen=True, slots=True)
class Fetched(Generic[Context]):
    """How asking ended: a snapshot, or an error, or not asked.

    That is where the account's key is no good, or the calls could not start in time.
    """

    context: Context
    snapshot: Snapshot | None = None
    error: CarrierError | None = None
    asked: bool = True
    #: HTTP calls that were begun.
    made: int = 0
    #: Seconds from the first of them to the answer's having been read.
    took: float = 0.0


@dataclass(slots=True)
class _Question(Generic[Context]):
    """One question under way, and the answer's body once it is there."""

    context: Context
    courier: str
    query: Query
    calls: Calls
    body: bytes = b""
    #: When a thread took it up, of time.monotonic().
    began: float = 0.0

    def ended(self, snapshot: Snapshot | None = None, error: CarrierError | None = None) -> Fetched[Context]:
        """It was asked, and this came of it."""
        return Fetched(self.context, snapshot, error, made=self.calls.made, took=monotonic() - self.began)

    def refused(self, error: CarrierError) -> Fetched[Context]:
        """Whatever is wrong with an answer, its first bytes are kept with the error, the key is not."""
        error.excerpt = error.excerpt or self.body
        return self.ended(error=error.conceal(self.query.credentials.key))


class Fetcher(Generic[Context]):
    """Questions under way. `Context` is whatever the caller wants back with the answer."""

    def __init__(self) -> None:
        self._under_way: dict[int, _Question[Context]] = {}
        self._ended: deque[tuple[int, Fetched[Context]]] = deque()
        #: Set once so many have ended.
        self._enough, self._wanted = threading.Event(), 0
        self._stopped: set[UUID] = set()
        self._numbers = count()
        self._callers = Callers(THREADS)

    @property
    def in_flight(self) -> Collection[Context]:
        """The contexts of what was submitted and not collected yet."""
        return [question.context for question in self._under_way.values()]

    def __len__(self) -> int:
        """How much is in flight."""
        return len(self._under_way)

    def begin_anew(self) -> None:
        """What is under way goes on; keys that were refused may have been changed since."""
        self._stopped.clear()

    def submit(self, context: Context, courier: str, query: Query, start_by: float | None = None) -> None:
        """Start asking. After a key was refused, nothing more is sent with it; nor after `start_by`.

        That is of time.monotonic().
        """
        number = next(self._numbers)
        calls = Calls(_client(), start_by, most_calls(courier), self.is_wanted)
        question = _Question(context, courier, query, calls)
        self._under_way[number] = question
        self._callers.do(partial(self._see_to, number, question))

    def collect(self, timeout: float, enough: int | None = None) -> list[Fetched[Context]]:
        """What has ended: once `enough` has, or all that is under way, or `timeout` seconds are over."""
        until = monotonic() + timeout
        under_way = len(self._under_way)
        self._wanted = under_way if enough is None else min(enough, under_way)
        self._enough.clear()
        while len(self._ended) < self._wanted and (left := until - monotonic()) > 0:
            self._enough.wait(min(left, TICK))
            self._callers.look()
        return [self._taken() for _ in range(len(self._ended))]

    def _taken(self) -> Fetched[Context]:
        number, ended = self._ended.popleft()
        del self._under_way[number]
        return ended

    def is_wanted(self) -> bool:
        """Whether calls may begin that have not yet. Called on the threads that ask; must not raise."""
        return True

    def begun(self, context: Context) -> None:
        """For whoever wants to know: a thread asks now. Called on that thread; must not raise."""

    def ended(self, fetched: Fetched[Context]) -> None:
        """Likewise: it has its answer, which nobody has collected yet."""

    def _see_to(self, number: int, question: _Question[Context]) -> None:
        self.begun(question.context)
        question.began = monotonic()
        fetched = self._asked(question)
        self.ended(fetched)
        self._ended.append((number, fetched))
        # One wake-up for all that are waited for: each costs the threads that ask their turn.
        if len(self._ended) >= self._wanted:
            self._enough.set()

    def _asked(self, question: _Question[Context]) -> Fetched[Context]:
        """A fault of our own in one adapter is that one question's bad answer, not the end of the batch."""
        try:
            return self._ask(question)
        except Exception:  # whatever it was, it is this question's alone
            logger.exception("an adapter failed", extra=question.query.ids | {"courier": question.courier})
            return question.refused(BadResponse("This answer could not be read."))

    def _ask(self, question: _Question[Context]) -> Fetched[Context]:
        account = question.query.credentials.account_id
        if account in self._stopped:
            return Fetched(question.context, asked=False)
        try:
            carrier = adapter(question.courier)
            answer = carrier.ask(question.query, question.calls)
            question.body = answer.body
            snapshot = carrier.parse(answer, question.query)
            return question.ended(snapshot)
        except TooLate:
            return Fetched(question.context, asked=False, made=question.calls.made)
        except CarrierError as error:
            if isinstance(error, KeyRejected | KeyExhausted):
                self._stopped.add(account)
            return question.refused(error)


@cache
def _client() -> HttpClient:
    return HttpClient()
