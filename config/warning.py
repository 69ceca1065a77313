"""Alerts in the log: each is written once, as a warning, when it appears, and once more when it is over.

Which were written is kept in Redis, for all processes: lost with it, they are written again. While Redis is
out of reach each process writes that, and of the others nothing.
"""

import logging
from collections.abc import Mapping

import redis
from django.conf import settings

from accounts.alerts import Alert
from config import heartbeat
from config.alerts import alerts, of_redis

logger = logging.getLogger(__name__)

#: Seconds between two looks, over all processes.
EVERY = 60
_KNOWN, _LOOKED = "parcelwire:alerts", "parcelwire:alerts:looked"

#: What this process has written while Redis was out of reach.
_written: set[str] = set()


def warn() -> None:
    """Write what has changed since somebody last looked, if that is a minute ago."""
    try:
        with heartbeat.connected(settings.REDIS_URL) as store:
            # Beat's minute is never quite one.
            if store.set(_LOOKED, "", nx=True, ex=EVERY - 5):
                _write({one.key: one for one in alerts()}, store)
        _written.clear()
    except redis.RedisError:
        for alert in of_redis():
            if alert.key not in _written:
                _say(alert)
                _written.add(alert.key)


def _write(found: Mapping[str, Alert], store: redis.Redis) -> None:
    known = {str(key) for key in store.smembers(_KNOWN)}
    for key in sorted(known - found.keys()):
        logger.info("alert over: %s", key)
    # In the order of their weight.
    for alert in found.values():
        if alert.key not in known:
            _say(alert)
    if gone := known - found.keys():
        store.srem(_KNOWN, *gone)
    if new := found.keys() - known:
        store.sadd(_KNOWN, *new)


def _say(alert: Alert) -> None:
    logger.warning("alert: %s: %s. %s", alert.kind.label, alert.about, alert.detail)
