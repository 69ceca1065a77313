"""What pages show of parcels and scans: read from the tallies, never counted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from accounts import rollups
from accounts.rollups import FIRST_HOUR
from events.statuses import Milestone
from trackers.tallies import MilestoneTally, ScanTally

# The first count of the time that pages show is what there was a day ago.
_PARCELS = f"""
SELECT milestone, (array_agg(parcels ORDER BY since DESC))[1], (array_agg(parcels ORDER BY since))[1]
FROM trackers_milestonetally WHERE since >= {FIRST_HOUR} GROUP BY milestone
"""  # noqa: S608 - constants only
_SCANS = f"""
SELECT since, scans FROM trackers_scantally WHERE since >= {FIRST_HOUR} ORDER BY since
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class Parcels:
    """Parcels that are followed and stand at a milestone: now, and when pages' time began."""

    milestone: Milestone
    now: int
    before: int


def parcels() -> list[Parcels]:
    """Of every milestone, in their order; empty where nobody has counted yet. One statement."""
    found = {milestone: (now, before) for milestone, now, before in _rows(_PARCELS)}
    return [Parcels(one, *found.get(one.value, (0, 0))) for one in Milestone] if found else []


def scans() -> dict[datetime, int]:
    """New scans by the beginning of the hour in which they were recorded. One statement."""
    return dict(_rows(_SCANS))


def counted_at() -> datetime | None:
    """Since when the older of the two counts stands; None: one was never made. Two statements."""
    parcels_at = rollups.counted_at(MilestoneTally.objects.all())
    scans_at = rollups.counted_at(ScanTally.objects.all())
    return min(parcels_at, scans_at) if parcels_at and scans_at else None


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
