"""What there is to read of an installation, and from where."""

from collections.abc import Callable, Iterable, Iterator

import redis
from django.db import Error, connection
from prometheus_client.metrics_core import Metric

from config.metrics.couriers import couriers, endpoints
from config.metrics.exporter import Source
from config.metrics.needs import needs
from config.metrics.postgresql import postgresql
from config.metrics.sweeps import sweeps
from config.metrics.tallied import Tallied
from config.metrics.valkey import valkey

#: Milliseconds of one statement: whoever scrapes has gone away by then.
_PATIENCE = 4_000


def sources() -> list[Source]:
    """PostgreSQL with all that stands in our tables, and Redis."""
    tallied = Tallied()
    return [
        Source(
            "database",
            _Database([postgresql, couriers, endpoints, sweeps, tallied.read, needs]).read,
            (Error,),
        ),
        Source("redis", valkey, (redis.RedisError,)),
    ]


class _Database:
    """Reads its parts one after the other, on a connection that ends with the reading.

    A part that the database refuses, or is too slow for, leaves the others theirs.
    """

    def __init__(self, parts: Iterable[Callable[[], Iterable[Metric]]]) -> None:
        self._parts = tuple(parts)

    def read(self) -> Iterator[Metric]:
        refused: Error | None = None
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SET statement_timeout = {_PATIENCE}")
            for part in self._parts:
                try:
                    yield from part()
                except Error as error:
                    refused = error
                    if not connection.is_usable():
                        break
        finally:
            connection.close()
        if refused:
            raise refused
