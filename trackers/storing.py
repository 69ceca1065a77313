"""How the projection's `state` stands in its column: a scan as a list, whose names are said here once.

The names of its values, in each scan of each tracker, were half of what PostgreSQL read, sorted,
compressed and wrote with every piece of news. A scan that does not have just these names stands as an
object, as all did once; what reads takes both.
"""

from operator import itemgetter
from typing import Any

from django.db import models

from trackers.milestones import ScanEntry

#: In the order of the list. What is stored lives by it: names may be added at the end, and nothing else.
NAMES = (
    "scanKey",
    "courierCode",
    "sourceCode",
    "carrierEventCode",
    "status",
    "location",
    "occurrenceDatetime",
    "timeCertainty",
    "timeText",
    "placedAt",
    "order",
    "statusCode",
    "statusMilestone",
    "reason",
    "final",
    "quarantined",
    "raw",
    "eventId",
    "version",
    "recordedAt",
    "aliases",
    "amendments",
    "withdrawn",
)
#: Where the list has its courier, for SQL.
COURIER = NAMES.index("courierCode")
_COUNT, _NAMES = len(NAMES), frozenset(NAMES)
_values = itemgetter(*NAMES)


def to_store(state: dict[str, Any]) -> dict[str, Any]:
    """The state as its column takes it; an empty one is as it is."""
    scans = state.get("scans")
    if not scans:
        return state
    try:
        lists = [_values(scan) if len(scan) == _COUNT else scan for scan in scans]
    except KeyError:  # as many names, and not these
        lists = [_values(scan) if scan.keys() == _NAMES else scan for scan in scans]
    return state | {"scans": lists}


def from_store(stored: dict[str, Any]) -> dict[str, Any]:
    """The state as `trackers.fold` has it. A list that ends early is of before there were the last names."""
    scans = stored.get("scans")
    return stored | {"scans": [_named(scan) for scan in scans]} if scans else stored


class StateField(models.JSONField):
    """The column, for rows that are objects. To migrations it is a JSONField."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        found = super().from_db_value(value, expression, connection)
        return from_store(found) if isinstance(found, dict) else found

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return to_store(prepared) if isinstance(prepared, dict) else prepared

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


def _named(scan: list[Any] | ScanEntry) -> ScanEntry:
    return scan if isinstance(scan, dict) else dict(zip(NAMES, scan, strict=False))
