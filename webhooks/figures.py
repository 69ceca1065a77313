"""How deliveries went in the last 24 hours, over all endpoints: read from the sums, never counted."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from accounts import rollups
from accounts.rollups import FIRST_HOUR
from webhooks.models import HourTally

_HOURS = f"""
SELECT since, sum(tries), coalesce(sum(tries) FILTER (WHERE error <> ''), 0)
FROM webhooks_hourtally WHERE since >= {FIRST_HOUR} GROUP BY since ORDER BY since
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class Hour:
    """Tries of deliveries that were settled in the hour that begins then, and those of them that failed."""

    since: datetime
    tries: int
    failed: int


def hours() -> list[Hour]:
    """By hour, from the oldest on: one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_HOURS)
        return [Hour(since, int(tries), int(failed)) for since, tries, failed in cursor.fetchall()]


def counted_at() -> datetime | None:
    """When tries were last added up; None: they never were. One statement."""
    return rollups.counted_at(HourTally.objects.all())
