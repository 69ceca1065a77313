"""What is counted once a minute, so that no page counts it: by one process, and kept for some time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

#: How often a rollup is counted; how long its rows are kept; and when it is so old that a page says so.
EVERY = timedelta(minutes=1)
KEPT = timedelta(days=30)
STALE = timedelta(minutes=5)
#: What pages show: the hour that runs, and those before it.
HOURS = 24
#: The advisory lock's first key: no other code of this database may use it. The second one is of the rollup.
_LOCK = 0x1076
#: No rollup has so many rows of one hour.
_OF_AN_HOUR = 30

#: SQL of the hour that a moment falls in, by UTC.
HOUR = "date_bin('1 hour', {}, TIMESTAMPTZ 'epoch')"
#: SQL of the first hour that pages show.
FIRST_HOUR = f"{HOUR.format('statement_timestamp()')} - interval '{HOURS - 1} hours'"

_IS_DUE = """
SELECT coalesce(%(counted)s < statement_timestamp() - %(every)s, TRUE)
       AND pg_try_advisory_xact_lock(%(lock)s, %(rollup)s)
"""


@contextmanager
def turn(rollup: int, rows: "QuerySet[Any]") -> Iterator[bool]:
    """A transaction, and whether it is our turn in it to count the rollup of this number, kept in `rows`.

    It is nobody's where it was counted less than a minute ago, or somebody counts it now. No one waits.
    """
    with transaction.atomic():
        values: dict[str, Any] = {
            "counted": counted_at(rows),
            # Beat's minute is never quite one.
            "every": EVERY - timedelta(seconds=5),
            "lock": _LOCK,
            "rollup": rollup,
        }
        with connection.cursor() as cursor:
            cursor.execute(_IS_DUE, values)
            is_ours = bool(cursor.fetchone()[0])
        yield is_ours


def counted_at(rows: "QuerySet[Any]") -> datetime | None:
    """When the rollup that is kept in `rows` was last counted; None: it never was. One statement.

    Of each hour it has fewer rows than are looked at, and the newest hour has what was counted last.
    """
    newest = rows.order_by("-since").values_list("counted_at", flat=True)[:_OF_AN_HOUR]
    return max(newest, default=None)


def forget(rows: "QuerySet[Any]", limit: int = 10_000) -> int:
    """Delete rows of hours that are not kept any more, so many at most. Returns how many. Two statements."""
    old = rows.filter(since__lt=Now() - KEPT).order_by("since").values_list("id", flat=True)[:limit]
    gone: int = rows.filter(id__in=list(old)).delete()[0]
    return gone
