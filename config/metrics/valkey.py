"""How Valkey (or Redis) is: memory, what it threw away, messages that wait, and beat's last sign."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from prometheus_client.metrics_core import Metric

from config import heartbeat
from config.metrics.families import Sample, counter, gauge, single

#: For so long a worker that was heard counts as there; it says so every ten seconds.
FRESH = timedelta(minutes=1)


def valkey() -> Iterator[Metric]:
    """Raises redis.RedisError where it does not answer within a second."""
    seen = heartbeat.last_beat(settings.REDIS_URL)
    if seen:
        age = (datetime.now(UTC) - seen).total_seconds()
        yield single("beat_age_seconds", "Since when no task of beat came through a worker", max(0.0, age))
    yield gauge(
        "queue_workers",
        "Processes of workers that took from the broker's queue and swept for it within the last minute",
        ["queue"],
        [([queue], sum(_is_fresh(at) for at in takers.values())) for queue, takers in _takers().items()],
    )
    with heartbeat.connected(settings.REDIS_URL) as client:
        known: Any = client.info()
        waiting = [([queue], client.llen(queue)) for queue in settings.CELERY_TASK_QUEUES]
    yield gauge("broker_messages", "Messages on the broker's queue: only nudges", ["queue"], waiting)
    yield single("redis_memory_bytes", "Memory that Redis uses", known["used_memory"])
    yield single("redis_memory_max_bytes", "Memory that Redis may use; 0: any", known.get("maxmemory", 0))
    evicted: list[Sample] = [([], known["evicted_keys"])]
    yield counter("redis_evicted_keys", "Keys that Redis threw away for want of memory", [], evicted)


def _takers() -> Mapping[str, Mapping[str, datetime]]:
    return heartbeat.attending(settings.REDIS_URL, settings.CELERY_TASK_QUEUES)


def _is_fresh(heard: datetime) -> bool:
    return datetime.now(UTC) - heard < FRESH
