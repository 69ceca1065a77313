"""The endpoints' tallies added up by hour, once a minute by one process.

An hour is added up anew until it is over for good, so that nothing counts twice and nothing is left out.
"""

from django.db import connection

from accounts.rollups import FIRST_HOUR, HOUR, turn
from accounts.rollups import forget as forget_old
from webhooks.models import HourTally

#: The number of this rollup: see `accounts.rollups`.
ROLLUP = 4

# From the hour on that was counted last, which may have gone on afterwards. That nothing was tried is a
# figure too: it says that somebody counted.
_SUM = f"""
WITH start AS (
    SELECT coalesce(max(since), {FIRST_HOUR}) AS since FROM webhooks_hourtally
)
INSERT INTO webhooks_hourtally (since, error, tries, duration_ms, slowest_ms, counted_at)
SELECT since, error, sum(tries), sum(duration_ms), max(slowest_ms), statement_timestamp()
FROM (
    SELECT {HOUR.format("t.since")} AS since, t.error, t.tries, t.duration_ms, t.slowest_ms
    FROM webhooks_tally t WHERE t.since >= (SELECT since FROM start)
    UNION ALL SELECT {HOUR.format("statement_timestamp()")}, '', 0, 0, 0
) AS each
GROUP BY since, error
ON CONFLICT (since, error) DO UPDATE
SET tries = excluded.tries, duration_ms = excluded.duration_ms, slowest_ms = excluded.slowest_ms,
    counted_at = excluded.counted_at
"""  # noqa: S608 - constants only


def count() -> bool:
    """Add up the tallies, if it is time for that; whether it was."""
    with turn(ROLLUP, HourTally.objects.all()) as ours:
        if ours:
            with connection.cursor() as cursor:
                cursor.execute(_SUM)
    return ours


def forget() -> int:
    """Delete sums that are not kept any more; how many. Two statements."""
    return forget_old(HourTally.objects.all())
