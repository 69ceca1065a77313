"""Ask carriers, many at once, on threads. What answers first is had first."""

import logging
from collections.abc import Collection
from concurrent.futures import ALL_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar
from uuid import UUID

from carriers.adapter import Adapter, Query
from carriers.exceptions import BadResponse, CarrierError, KeyExhausted, KeyRejected
from carriers.http import HttpClient
from carriers.reading import EXCERPT
from carriers.registry import adapter
from carriers.snapshot import Snapshot

logger = logging.getLogger(__name__)

#: Threads of one process that ask carriers.
THREADS = 100

Context = TypeVar("Context")


@dataclass(frozen=True, slots=True)
class Fetched(Generic[Context]):
    """How asking ended: a snapshot, or an error, or not asked because the account's key is no good."""

    context: Context
    snapshot: Snapshot | None = None
    error: CarrierError | None = None
    asked: bool = True


class Fetcher(Generic[Context]):
    """Questions under way. `Context` is whatever the caller wants back with the answer."""

    def __init__(self) -> None:
        self._under_way: dict[Future[Fetched[Context]], Context] = {}
        self._stopped: set[UUID] = set()

    @property
    def in_flight(self) -> Collection[Context]:
        """The contexts of what was submitted and not collected yet."""
        return self._under_way.values()

    def submit(self, context: Context, courier: str, query: Query) -> None:
        """Start asking. After a key was refused, nothing more is sent with it."""
        self._under_way[_threads().submit(self._ask, context, courier, query)] = context

    def collect(self, timeout: float) -> list[Fetched[Context]]:
        """Everything that has ended, after all has or `timeout` seconds are over; at once if nothing runs."""
        done, _ = wait(self._under_way, timeout=timeout, return_when=ALL_COMPLETED)
        return [self._ended(future, self._under_way.pop(future)) for future in done]

    def _ask(self, context: Context, courier: str, query: Query) -> Fetched[Context]:
        account = query.credentials.account_id
        if account in self._stopped:
            return Fetched(context, asked=False)
        try:
            return Fetched(context, snapshot=_answered(adapter(courier), query))
        except CarrierError as error:
            if isinstance(error, KeyRejected | KeyExhausted):
                self._stopped.add(account)
            return Fetched(context, error=error.conceal(query.credentials.key))

    @staticmethod
    def _ended(future: Future[Fetched[Context]], context: Context) -> Fetched[Context]:
        """A fault of our own in one adapter is that one question's bad answer, not the end of the batch."""
        fault = future.exception()
        if fault is None:
            return future.result()
        logger.error("an adapter failed", exc_info=fault)
        return Fetched(context, error=BadResponse("This answer could not be read."))


def _answered(carrier: Adapter, query: Query) -> Snapshot:
    """Ask and read. Whatever is wrong with an answer, its first bytes are kept with the error."""
    answer = carrier.ask(query, _client())
    try:
        return carrier.parse(answer, query)
    except CarrierError as error:
        error.excerpt = error.excerpt or answer.body[:EXCERPT]
        raise


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="carrier")


@cache
def _client() -> HttpClient:
    return HttpClient()
