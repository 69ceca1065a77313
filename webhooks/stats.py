"""How an endpoint fares: its tries of the last hour, day and week, and what it is owed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from webhooks.exchanges import Failure

#: The windows by their names in the API.
WINDOWS: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}
#: What is owed is counted this far.
COUNTED = 10_000
#: How long tallies are kept.
KEPT = timedelta(days=8)

# A window begins with the five minutes that its first moment lies in, since nothing finer is kept.
_TALLIED = """
SELECT wanted.name, wanted.since, t.error, sum(t.tries), sum(t.duration_ms), max(t.slowest_ms)
FROM (
    SELECT name, date_bin('5 minutes', statement_timestamp() - span, timestamptz 'epoch') AS since
    FROM unnest(%(names)s::text[], %(spans)s::interval[]) AS spans (name, span)
) AS wanted
LEFT JOIN webhooks_tally t ON t.endpoint_id = %(endpoint)s AND t.since >= wanted.since
GROUP BY wanted.name, wanted.since, t.error
"""
_OWED = """
SELECT
    (SELECT count(*) FROM (
        SELECT FROM webhooks_delivery WHERE endpoint_id = %(endpoint)s AND state = 'pending' LIMIT %(limit)s
    ) AS pending),
    (SELECT count(*) FROM (
        SELECT FROM webhooks_delivery
        WHERE endpoint_id = %(endpoint)s AND state = 'held' AND trigger <> 'test' LIMIT %(limit)s
    ) AS held),
    (SELECT min(first.next_attempt_at)
     FROM (VALUES (FALSE), (TRUE)) AS kind (late)
     CROSS JOIN LATERAL (
        SELECT d.next_attempt_at FROM webhooks_delivery d
        WHERE d.endpoint_id = %(endpoint)s AND d.state = 'pending' AND d.late = kind.late
          AND d.next_attempt_at <= statement_timestamp()
          AND (d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())
        ORDER BY d.next_attempt_at LIMIT 1
     ) AS first)
"""
_FORGET = """
DELETE FROM webhooks_tally WHERE id = ANY (ARRAY(
    SELECT id FROM webhooks_tally WHERE since < statement_timestamp() - %(days)s * interval '1 day'
    ORDER BY since LIMIT %(limit)s FOR UPDATE SKIP LOCKED
))
"""


@dataclass(frozen=True, slots=True)
class Window:
    """The tries that were settled since then. `errors` has how often each word of `Failure` was met.

    The two durations are of the tries whose end somebody saw; None: there was none.
    """

    name: str
    since: datetime
    succeeded: int
    errors: Mapping[str, int]
    average_ms: int | None
    slowest_ms: int | None

    @property
    def failed(self) -> int:
        return sum(self.errors.values())


@dataclass(frozen=True, slots=True)
class Stats:
    """`pending` and `held` are counted to COUNTED. `oldest_due_at`: of what is due and not under way."""

    windows: list[Window]
    pending: int
    held: int
    oldest_due_at: datetime | None


def stats_of(endpoint_id: UUID) -> Stats:
    """Of this endpoint: two statements."""
    values: dict[str, Any] = {
        "endpoint": endpoint_id,
        "names": list(WINDOWS),
        "spans": list(WINDOWS.values()),
        "limit": COUNTED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TALLIED, values)
        tallied = cursor.fetchall()
        cursor.execute(_OWED, values)
        return Stats([_window(name, tallied) for name in WINDOWS], *cursor.fetchone())


def forget(limit: int = 1_000) -> int:
    """Delete tallies that no window reaches any more, so many at most. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"days": KEPT.days, "limit": limit})
        gone: int = cursor.rowcount
    return gone


def _window(name: str, tallied: Iterable[tuple[Any, ...]]) -> Window:
    mine = [row for row in tallied if row[0] == name]
    counts = {error: int(tries) for _, _, error, tries, _, _ in mine if error is not None}
    seen = [row for row in mine if row[2] is not None and row[2] != Failure.ABANDONED]
    ended = sum(int(row[3]) for row in seen)
    return Window(
        name=name,
        since=mine[0][1],
        succeeded=counts.pop("", 0),
        errors=counts,
        average_ms=round(sum(int(row[4]) for row in seen) / ended) if ended else None,
        slowest_ms=max(row[5] for row in seen) if seen else None,
    )
