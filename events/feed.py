"""The change feed: a merchant's log in order, by a cursor that never skips."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Max

from events.models import Event
from events.writing import written

#: Positions that one page looks at, so that a filter that rarely matches costs no more than a page.
EXAMINED = 5_000

# Compared as pairs, so that only the merchant's own index serves: near the end of the log, where statistics
# know of few rows, PostgreSQL would otherwise go through what all merchants have had since.
# `seen` is what this page looks at; its last position is the next cursor, whatever the filter lets through.
_PAGE = """
WITH seen AS MATERIALIZED (
    SELECT position, type FROM events_event
    WHERE (merchant_id, position) > (%(merchant)s, %(after)s)
      AND (merchant_id, position) <= (%(merchant)s, 9223372036854775807)
    ORDER BY merchant_id, position LIMIT %(examined)s
),
page AS MATERIALIZED (
    SELECT position FROM seen
    WHERE %(patterns)s::text[] IS NULL OR type LIKE ANY (%(patterns)s)
    ORDER BY position LIMIT %(limit)s + 1
)
SELECT (SELECT max(position) FROM seen), (SELECT count(*) FROM seen),
       e.position, e.id, e.type, e.stream, e.version, e.occurred_at, e.recorded_at, e.data::text
FROM (VALUES (1)) AS one (row)
LEFT JOIN page ON true
LEFT JOIN events_event e ON e.position = page.position
ORDER BY e.position
"""


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event as the feed shows it."""

    position: int
    id: UUID
    type: str
    stream: UUID
    version: int
    occurred_at: datetime | None
    recorded_at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the feed. `next` is the last position looked at: a reader goes on from there."""

    events: list[FeedEvent]
    next: int
    has_more: bool


def page(merchant_id: UUID, *, after: int, limit: int, types: Sequence[str] = ()) -> Page:
    """Events of one merchant with a position over `after`, oldest first; one statement.

    `types` may end in `*`. Rows and cursor come of the same snapshot of the database.
    """
    values: dict[str, Any] = {
        "merchant": merchant_id,
        "after": after,
        "limit": limit,
        # Without a filter all that is looked at is given: one more than the page tells whether there is more.
        "examined": max(EXAMINED, limit + 1) if types else limit + 1,
        "patterns": [_pattern(kind) for kind in types] or None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, values)
        rows = cursor.fetchall()
    found = [FeedEvent(*[*row[2:-1], json.loads(row[-1])]) for row in rows if row[2] is not None]
    head, seen = rows[0][0], rows[0][1]
    if len(found) > limit:
        return Page(found[:limit], found[limit - 1].position, has_more=True)
    return Page(found, after if head is None else head, has_more=seen == values["examined"])


def head(merchant_id: UUID) -> int:
    """The position of the merchant's newest event; 0 while there is none. No older one appears later."""
    return Event.objects.filter(merchant_id=merchant_id).aggregate(head=Max("position"))["head"] or 0


def shown(event: FeedEvent) -> dict[str, Any]:
    """An event as answers show it."""
    about_parcel = event.type.startswith(("tracker.", "tracking."))
    return {
        "eventId": str(event.id),
        "type": event.type,
        "trackerId": str(event.stream) if about_parcel else None,
        "sequence": event.version,
        "occurredAt": written(event.occurred_at),
        "recordedAt": written(event.recorded_at),
        "data": event.data,
    }


def _pattern(kind: str) -> str:
    escaped = kind.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return escaped.replace("*", "%")
