"""Whether the process answers (`/healthz`) and whether the whole of it can work (`/readyz`)."""

from datetime import UTC, datetime
from typing import Any

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from accounts.counting import counter
from config import draining, heartbeat
from config.alerts import BEAT_LATE
from trackers.claiming import oldest_due as watches_due
from webhooks.claims import oldest_due as deliveries_due

#: Seconds after which a row that is due counts as a fault.
DUE_LATE = 60.0


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """200 where database, broker, beat and the sweeps work, else 503; the body says which does not.

    `rateLimit` is no reason for a 503: calls that cannot be counted pass. A process that was told to end says
    so, and asks nobody. `?of=web` leaves out what is others' to do: whether calls may be sent here.
    """
    if draining.is_draining():
        return JsonResponse({"ready": False, "draining": True, "checks": {}}, status=503)
    if request.GET.get("of") == "web":
        checks = {"database": _answering()}
    else:
        checks = {"database": _database(), **_broker_and_beat()}
    ready = all(check["ok"] for check in checks.values())
    body = {"ready": ready, "checks": checks, "rateLimit": _rate_limit()}
    return JsonResponse(body, status=200 if ready else 503)


def _rate_limit() -> str:
    """Whether this process counts calls: `counting`, `off`, or `open` while Redis fails it."""
    if settings.API_RATE_LIMIT == "off":
        return "off"
    return "counting" if counter(settings.REDIS_URL).answers() else "open"


def _answering() -> dict[str, Any]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return {"ok": False, "error": "the database does not answer"}
    return {"ok": True}


def _database() -> dict[str, Any]:
    """Only what could be done now counts as due: a hanging subscriber's backlog is no fault of ours."""
    try:
        due = [moment for moment in (watches_due(), deliveries_due()) if moment]
    except Error:
        return {"ok": False, "error": "the database does not answer"}
    oldest = max(((timezone.now() - moment).total_seconds() for moment in due), default=None)
    return {"ok": oldest is None or oldest <= DUE_LATE, "oldestDueSeconds": oldest}


def _broker_and_beat() -> dict[str, dict[str, Any]]:
    try:
        seen = heartbeat.last_beat(settings.REDIS_URL)
    except redis.RedisError:
        return {"broker": {"ok": False, "error": "the broker does not answer"}}
    age = (datetime.now(UTC) - seen).total_seconds() if seen else None
    return {
        "broker": {"ok": True},
        "beat": {"ok": age is not None and age <= BEAT_LATE.total_seconds(), "lastSeenSeconds": age},
    }
