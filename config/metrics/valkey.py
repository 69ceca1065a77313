"""How Valkey (or Redis) is: memory, what it threw away, messages that wait, and beat's last sign."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from prometheus_client.metrics_core import Metric

from config import heartbeat
from config.metrics.families import gauge, single


def valkey() -> Iterator[Metric]:
    """Raises redis.RedisError where it does not answer within a second."""
    seen = heartbeat.last_beat(settings.REDIS_URL)
    if seen:
        age = (datetime.now(UTC) - seen).total_seconds()
        yield single("beat_age_seconds", "Since when no task of beat came through a worker", max(0.0, age))
    with heartbeat.connected(settings.REDIS_URL) as client:
        known: Any = client.info()
        waiting = [([queue], client.llen(queue)) for queue in settings.CELERY_TASK_QUEUES]
    yield gauge("broker_messages", "Messages on the broker's queue: only nudges", ["queue"], waiting)
    yield single("redis_memory_bytes", "Memory that Redis uses", known["used_memory"])
    yield single("redis_memory_max_bytes", "Memory that Redis may use; 0: any", known.get("maxmemory", 0))
    yield single("redis_evicted_keys", "Keys that Redis threw away since it started", known["evicted_keys"])
