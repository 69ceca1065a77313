"""What shows that beat, the broker and workers work: when a worker last ran the task that beat sends, and
when the processes that take from a queue last looked for due rows.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

#: Seconds between two such tasks.
INTERVAL = 2.0
_KEY, _WORKERS = "parcelwire:last_beat", "parcelwire:workers:"
#: Seconds that a process which is heard no more is remembered.
REMEMBERED = 3600
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


def attend(url: str, queues: Iterable[str], who: str) -> None:
    """Write down that a process which takes from these queues works now. Raises redis.RedisError."""
    now = time.time()
    with connected(url) as client, client.pipeline(transaction=False) as several:
        for queue in queues:
            several.zadd(_WORKERS + queue, {who: now})
            several.zremrangebyscore(_WORKERS + queue, 0, now - REMEMBERED)
            several.expire(_WORKERS + queue, REMEMBERED)
        several.execute()


def leave(url: str, queues: Iterable[str], beginning: str) -> None:
    """Forget those of these queues whose name begins so. Raises redis.RedisError."""
    with connected(url) as client:
        for queue in queues:
            ended = [who for who in client.zrange(_WORKERS + queue, 0, -1) if str(who).startswith(beginning)]
            if ended:
                client.zrem(_WORKERS + queue, *ended)


def attending(url: str, queues: Iterable[str]) -> Mapping[str, Mapping[str, datetime]]:
    """By queue, who takes from it, and when that one was last heard. Raises redis.RedisError."""
    with connected(url) as client:
        return {
            queue: {
                str(who): datetime.fromtimestamp(at, UTC)
                for who, at in client.zrange(_WORKERS + queue, 0, -1, withscores=True)
            }
            for queue in queues
        }


def connected(url: str) -> redis.Redis:
    """The Redis of `url`, as text; one that does not answer is waited for a second."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=_PATIENCE,
        socket_timeout=_PATIENCE,
        retry=Retry(NoBackoff(), 0),  # the default tries for seconds
    )
