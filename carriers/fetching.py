"""Ask carriers, many at once, on threads. What answers first is had first."""

import logging
from collections.abc import Collection
from concurrent.futures import ALL_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar
from uuid import UUID

from carriers.adapter import Query
from carriers.exceptions import BadResponse, CarrierError, KeyExhausted, KeyRejected, TooLate
from carriers.http import HttpClient
from carriers.registry import adapter
from carriers.snapshot import Snapshot
from carriers.starting import Calls

logger = logging.getLogger(__name__)

#: Threads of one process that ask carriers. Most of them are there for calls that hang.
THREADS = 200

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


@dataclass(slots=True)
class _Question(Generic[Context]):
    """One question under way, and the answer's body once it is there."""

    context: Context
    courier: str
    query: Query
    calls: Calls
    body: bytes = b""

    def refused(self, error: CarrierError) -> Fetched[Context]:
        """Whatever is wrong with an answer, its first bytes are kept with the error, the key is not."""
        error.excerpt = error.excerpt or self.body
        concealed = error.conceal(self.query.credentials.key)
        return Fetched(self.context, error=concealed, made=self.calls.made)


class Fetcher(Generic[Context]):
    """Questions under way. `Context` is whatever the caller wants back with the answer."""

    def __init__(self) -> None:
        self._under_way: dict[Future[Fetched[Context]], _Question[Context]] = {}
        self._stopped: set[UUID] = set()

    @property
    def in_flight(self) -> Collection[Context]:
        """The contexts of what was submitted and not collected yet."""
        return [question.context for question in self._under_way.values()]

    def begin_anew(self) -> None:
        """What is under way goes on; keys that were refused may have been changed since."""
        self._stopped.clear()

    def submit(self, context: Context, courier: str, query: Query, start_by: float | None = None) -> None:
        """Start asking. After a key was refused, nothing more is sent with it; nor after `start_by`.

        That is of time.monotonic().
        """
        question = _Question(context, courier, query, Calls(_client(), start_by))
        self._under_way[_threads().submit(self._ask, question)] = question

    def collect(self, timeout: float) -> list[Fetched[Context]]:
        """Everything that has ended, after all has or `timeout` seconds are over; at once if nothing runs."""
        done, _ = wait(self._under_way, timeout=timeout, return_when=ALL_COMPLETED)
        return [self._ended(future, self._under_way.pop(future)) for future in done]

    def _ask(self, question: _Question[Context]) -> Fetched[Context]:
        account = question.query.credentials.account_id
        if account in self._stopped:
            return Fetched(question.context, asked=False)
        try:
            carrier = adapter(question.courier)
            answer = carrier.ask(question.query, question.calls)
            question.body = answer.body
            snapshot = carrier.parse(answer, question.query)
            return Fetched(question.context, snapshot=snapshot, made=question.calls.made)
        except TooLate:
            return Fetched(question.context, asked=False, made=question.calls.made)
        except CarrierError as error:
            if isinstance(error, KeyRejected | KeyExhausted):
                self._stopped.add(account)
            return question.refused(error)

    @staticmethod
    def _ended(future: Future[Fetched[Context]], question: _Question[Context]) -> Fetched[Context]:
        """A fault of our own in one adapter is that one question's bad answer, not the end of the batch."""
        fault = future.exception()
        if fault is None:
            return future.result()
        logger.error("an adapter failed", exc_info=fault)
        return question.refused(BadResponse("This answer could not be read."))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="carrier")


@cache
def _client() -> HttpClient:
    return HttpClient()
