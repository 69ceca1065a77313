"""Parcels by milestone and new scans by hour, counted once a minute by one process.

Parcels are counted by an index that holds nothing but their milestones. Scans are read from the log, each
position once: who records has no part in it.
"""

from time import monotonic
from typing import Any

from django.db import connection
from django.db.models import Max

from accounts.rollups import FIRST_HOUR, HOUR, turn
from accounts.rollups import forget as forget_old
from events.catalog import Scanned
from events.models import Event
from events.statuses import Milestone
from trackers.tallies import MilestoneTally, ScanTally
from webhooks.stopping import stop

#: The numbers of these rollups: see `accounts.rollups`.
MILESTONES, SCANS = 2, 3
#: Positions that one statement counts, and seconds in which further ones follow.
BATCH, BUDGET = 50_000, 10.0
#: Seconds for which what was recorded may still be on its way to a commit. What is longer is not counted.
SETTLED = 60.0

# In the words of the index `tracker_followed_milestone`.
_PARCELS = f"""
INSERT INTO trackers_milestonetally AS t (since, milestone, parcels, counted_at)
SELECT {HOUR.format("statement_timestamp()")}, word, coalesce(found.parcels, 0), statement_timestamp()
FROM unnest(%(milestones)s::text[]) AS word
LEFT JOIN (
    SELECT milestone, count(*) AS parcels FROM trackers_tracker
    WHERE is_subscribed AND stop_reason IS NULL GROUP BY milestone
) AS found ON found.milestone = word
ON CONFLICT (since, milestone) DO UPDATE SET parcels = excluded.parcels, counted_at = excluded.counted_at
"""  # noqa: S608 - constants only

# Up to the first position that is too young. That no scan came is a figure too: it says that somebody
# counted.
_SCANS = f"""
WITH next AS MATERIALIZED (
    SELECT position, type, recorded_at FROM events_event
    WHERE position > %(through)s ORDER BY position LIMIT %(batch)s
),
young AS (
    SELECT min(position) AS position FROM next
    WHERE recorded_at >= statement_timestamp() - make_interval(secs => %(settled)s)
),
settled AS (
    SELECT next.* FROM next CROSS JOIN young
    WHERE young.position IS NULL OR next.position < young.position
),
reached AS (SELECT coalesce(max(position), %(through)s) AS through, count(*) AS positions FROM settled),
written AS (
    INSERT INTO trackers_scantally AS t (since, scans, through, counted_at)
    SELECT each.since, sum(each.scans), reached.through, statement_timestamp()
    FROM (
        SELECT {HOUR.format("recorded_at")} AS since, (type = %(scanned)s)::integer AS scans FROM settled
        UNION ALL SELECT {HOUR.format("statement_timestamp()")}, 0
    ) AS each CROSS JOIN reached
    GROUP BY each.since, reached.through
    ON CONFLICT (since) DO UPDATE
    SET scans = t.scans + excluded.scans, through = excluded.through, counted_at = excluded.counted_at
)
SELECT through, positions FROM reached
"""  # noqa: S608 - constants only

_RECORDED_BEFORE_PAGES_SHOW = f"""
SELECT recorded_at < {FIRST_HOUR} FROM events_event WHERE position >= %s ORDER BY position LIMIT 1
"""  # noqa: S608 - constants only


def count() -> None:
    """Count parcels and scans, if it is time for that."""
    count_parcels()
    count_scans()


def count_parcels() -> bool:
    """One statement, if it is time for that; whether it was."""
    with turn(MILESTONES, MilestoneTally.objects.all()) as ours:
        if ours:
            with connection.cursor() as cursor:
                cursor.execute(_PARCELS, {"milestones": [one.value for one in Milestone]})
    return ours


def count_scans() -> bool:
    """Count what the log has grown by, if it is time for that; whether it was. The next time goes on.

    The first time begins with the oldest hour that pages show.
    """
    with turn(SCANS, ScanTally.objects.all()) as ours:
        if ours:
            through = ScanTally.objects.aggregate(last=Max("through"))["last"]
            _count_from(_beginning() if through is None else through)
    return ours


def forget() -> int:
    """Delete tallies that are not kept any more; how many. Four statements."""
    return forget_old(MilestoneTally.objects.all()) + forget_old(ScanTally.objects.all())


def _count_from(through: int) -> None:
    until = monotonic() + BUDGET
    positions = BATCH
    while positions == BATCH and monotonic() < until and not stop.is_set():
        values: dict[str, Any] = {
            "through": through,
            "batch": BATCH,
            "settled": SETTLED,
            "scanned": Scanned.type,
        }
        with connection.cursor() as cursor:
            cursor.execute(_SCANS, values)
            through, positions = cursor.fetchone()


def _beginning() -> int:
    """The last position before the oldest hour that pages show: found by halving, in few statements."""
    low, high = 0, Event.objects.aggregate(last=Max("position"))["last"] or 0
    with connection.cursor() as cursor:
        while low < high:
            middle = (low + high + 1) // 2
            cursor.execute(_RECORDED_BEFORE_PAGES_SHOW, [middle])
            row = cursor.fetchone()
            low, high = (middle, high) if row and row[0] else (low, middle - 1)
    return low
