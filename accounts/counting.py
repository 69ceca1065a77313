"""Counting calls in Redis, which may be gone, frozen or slow: a call never waits for it for long."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

import redis
from limits import RateLimitItem
from limits.storage import RedisStorage
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: Seconds that a call waits at most, half of them for a connection and half for an answer.
PATIENCE = 0.05
#: Seconds that a Redis which failed is left alone by this process.
QUIET = 5.0


class Counter:
    """One Redis, shared by the threads of a process.

    Whatever goes wrong begins an outage: one warning is logged, the connections are dropped, and nothing is
    tried until QUIET seconds have passed; then one call tries, and the next one waits its turn again.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._storage: RedisStorage | None = None
        #: By the clock; None while Redis works.
        self._away_until: float | None = None

    def count(self, limit: RateLimitItem, *identifiers: str) -> int | None:
        """How many calls this window has had with this one; None where Redis cannot say.

        One round trip: the strategies of `limits` would ask again for what is left. A window begins with its
        first call, which sets when it ends, in the same script, so that processes count atomically.
        """
        key = limit.key_for(*identifiers)
        return self._try(lambda storage: storage.incr(key, limit.get_expiry()))

    def answers(self) -> bool:
        """Whether Redis works, as far as this process may try."""
        return self._try(lambda storage: storage.get_connection().ping()) is not None

    def _try(self, work: Callable[[RedisStorage], T]) -> T | None:
        if self._away_until is not None and not self._is_to_try():
            return None
        storage = self._connected()
        began = time.monotonic()
        try:
            done = work(storage)
        except (redis.RedisError, OSError) as error:
            self._note_outage(storage, error)
            return None
        if time.monotonic() - began > PATIENCE:
            self._note_outage(storage, TimeoutError("it answered too late"))
        elif self._away_until is not None:
            self._note_return()
        return done

    def _is_to_try(self) -> bool:
        """Whether the quiet is over, for one caller: the others keep away while it tries."""
        with self._lock:
            if self._away_until is None:
                return True
            if self._clock() < self._away_until:
                return False
            self._away_until = self._clock() + QUIET
            return True

    def _connected(self) -> RedisStorage:
        with self._lock:
            if self._storage is None:
                self._storage = _storage(self._url)
            return self._storage

    def _note_outage(self, storage: RedisStorage, error: Exception) -> None:
        with self._lock:
            if storage is not self._storage:
                return  # another thread met the same outage, and has said so
            begins = self._away_until is None
            self._away_until = self._clock() + QUIET
            self._storage = None
        storage.storage.connection_pool.disconnect(inuse_connections=False)
        if begins:
            logger.warning("Redis failed, calls are not counted until it is back: %s", error)

    def _note_return(self) -> None:
        with self._lock:
            returned, self._away_until = self._away_until is not None, None
        if returned:
            logger.warning("Redis answers again, calls are counted")


@cache
def counter(url: str) -> Counter:
    """The one counter of this process for a Redis."""
    return Counter(url)


class _Bounded:
    """Mixed into a connection: name look-up, connect and TLS together end in time, whatever hangs.

    The time-out of a socket does not cover the look-up. What comes too late is closed.
    """

    def _connect(self) -> Any:
        connecting: Future[Any] = Future()
        connect = super()._connect  # type: ignore[misc]
        threading.Thread(target=_fulfil, args=(connecting, connect), daemon=True).start()
        try:
            return connecting.result(PATIENCE / 2)
        except TimeoutError:
            connecting.add_done_callback(_close_late)
            raise


def _fulfil(promise: Future[Any], work: Callable[[], Any]) -> None:
    try:
        promise.set_result(work())
    except (OSError, redis.RedisError) as error:
        promise.set_exception(error)


def _close_late(connecting: Future[Any]) -> None:
    if connecting.exception() is None:
        connecting.result().close()


def _storage(url: str) -> RedisStorage:
    return RedisStorage(url, connection_pool=_pool(url))


def _pool(url: str) -> redis.ConnectionPool:
    """Connections that do not try again, and say no more than they must before the first command."""
    pool = redis.ConnectionPool.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    # Afterwards: what the URL says would come first.
    bounds = {"socket_connect_timeout": PATIENCE / 2, "socket_timeout": PATIENCE / 2, "protocol": 2}
    pool.connection_kwargs.update(bounds)
    pool.connection_class = type("BoundedConnection", (_Bounded, pool.connection_class), {})
    return pool


# Making a storage imports what it may need: tens of milliseconds, which the first call is not to wait.
_storage("redis://127.0.0.1:1/0")
