"""The proof that beat, the broker and a worker work: when a worker last ran the task that beat sends."""

from datetime import UTC, datetime

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

#: Seconds between two such tasks.
INTERVAL = 2.0
_KEY = "parcelwire:last_beat"
_PATIENCE = 1


def note(url: str) -> None:
    """Write down, in the Redis of `url`, that beat's task ran now. Raises redis.RedisError."""
    with connected(url) as client:
        client.set(_KEY, datetime.now(UTC).isoformat())


def last_beat(url: str) -> datetime | None:
    """When beat's task ran last; None where it never did. Raises redis.RedisError out of reach."""
    with connected(url) as client:
        found = client.get(_KEY)
    return datetime.fromisoformat(found) if isinstance(found, str) else None


def connected(url: str) -> redis.Redis:
    """The Redis of `url`, as text; one that does not answer is waited for a second."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=_PATIENCE,
        socket_timeout=_PATIENCE,
        retry=Retry(NoBackoff(), 0),  # the default tries for seconds
    )
