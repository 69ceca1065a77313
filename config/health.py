"""Whether the process answers (`/healthz`) and whether the whole of it can work (`/readyz`)."""

from datetime import UTC, datetime
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from config import heartbeat

#: Seconds after which a silent beat, or a row that is due, counts as a fault.
BEAT_LATE = 30.0
DUE_LATE = 60.0

# Only rows that somebody may claim count: what waits for an account or an endpoint is not late.
_OLDEST_DUE = """
SELECT extract(epoch FROM now() - least(
    (SELECT min(first.next_poll_at) FROM carriers_carrieraccount account CROSS JOIN LATERAL (
        SELECT next_poll_at FROM trackers_watch
        WHERE carrier_account_id = account.id AND next_poll_at <= now()
        ORDER BY next_poll_at LIMIT 1
     ) AS first WHERE account.state = 'active'
       AND (account.resting_until IS NULL OR account.resting_until <= now())),
    (SELECT min(first.next_attempt_at) FROM webhooks_endpoint endpoint CROSS JOIN LATERAL (
        SELECT next_attempt_at FROM webhooks_delivery
        WHERE endpoint_id = endpoint.id AND state = 'pending' AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT 1
     ) AS first WHERE endpoint.state = 'active' AND endpoint.deleted_at IS NULL)))::float
"""


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """200 where database, broker, beat and the sweeps work, else 503; the body says which does not."""
    checks = {"database": _database(), **_broker_and_beat()}
    ready = all(check["ok"] for check in checks.values())
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)


def _database() -> dict[str, Any]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_OLDEST_DUE)
            oldest = cursor.fetchone()[0]
    except DatabaseError:
        return {"ok": False, "error": "the database does not answer"}
    late = oldest is not None and oldest > DUE_LATE
    return {"ok": not late, "oldestDueSeconds": oldest}


def _broker_and_beat() -> dict[str, dict[str, Any]]:
    try:
        seen = heartbeat.last_beat(settings.REDIS_URL)
    except redis.RedisError:
        return {"broker": {"ok": False, "error": "the broker does not answer"}}
    age = (datetime.now(UTC) - seen).total_seconds() if seen else None
    return {
        "broker": {"ok": True},
        "beat": {"ok": age is not None and age <= BEAT_LATE, "lastSeenSeconds": age},
    }
