"""Polls counted as they are settled, by hour, account and outcome, without a row that two workers share.

A process adds up what it settles and leaves that as slips, once a second at most; once a minute one process
counts the slips into the tallies. A process that is killed takes the figures of its last second along.
"""

import logging
from collections.abc import Iterable
from functools import partial
from threading import Lock
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import Error, connection
from django.db.models import QuerySet

from accounts.rollups import HOUR, turn
from accounts.rollups import forget as forget_old
from carriers.tallies import PollTally
from events.retrying import once_more

logger = logging.getLogger(__name__)

#: Seconds between two slips of one process.
EVERY = 1.0
#: The number of this rollup: see `accounts.rollups`.
ROLLUP = 1
#: Slips that one statement counts, and seconds in which further ones follow: where beat was dead for days
#: there are millions.
BATCH, BUDGET = 50_000, 10.0

_LEAVE = f"""
INSERT INTO carriers_pollslip (account_id, since, outcome, polls, duration_ms, slowest_ms)
SELECT account, {HOUR.format("statement_timestamp()")}, outcome, polls, duration_ms, slowest_ms
FROM unnest(%(accounts)s::uuid[], %(outcomes)s::text[], %(polls)s::integer[], %(durations)s::bigint[],
            %(slowest)s::integer[]) AS noted (account, outcome, polls, duration_ms, slowest_ms)
"""  # noqa: S608 - constants only

# That nothing was polled is a figure too: it says that somebody counted. Nobody else deletes slips.
_COUNT = f"""
WITH taken AS (
    DELETE FROM carriers_pollslip WHERE id = ANY(ARRAY(SELECT id FROM carriers_pollslip LIMIT %(batch)s))
    RETURNING account_id, since, outcome, polls, duration_ms, slowest_ms
),
nothing AS (SELECT {HOUR.format("statement_timestamp()")} AS since),
written AS (
    INSERT INTO carriers_polltally AS t
        (account_id, since, outcome, polls, duration_ms, slowest_ms, counted_at)
    SELECT account_id, since, outcome, sum(polls), sum(duration_ms), max(slowest_ms), statement_timestamp()
    FROM (
        SELECT * FROM taken
        UNION ALL SELECT NULL, since, outcome, polls, duration_ms, slowest_ms FROM taken
        UNION ALL SELECT NULL, since, 'ok', 0, 0, 0 FROM nothing
    ) AS each
    GROUP BY account_id, since, outcome
    ON CONFLICT (account_id, since, outcome) DO UPDATE
    SET polls = t.polls + excluded.polls, duration_ms = t.duration_ms + excluded.duration_ms,
        slowest_ms = greatest(t.slowest_ms, excluded.slowest_ms), counted_at = excluded.counted_at
)
SELECT count(*) FROM taken
"""  # noqa: S608 - constants only


class _Noted:
    """What this process has settled since its last slips."""

    def __init__(self) -> None:
        self._lock = Lock()
        #: By account and outcome: how many, and their milliseconds, all and the most.
        self._sums: dict[tuple[UUID, str], list[int]] = {}
        self._left_at = 0.0

    def add(self, ended: Iterable[tuple[UUID, str, float]]) -> None:
        with self._lock:
            for account, outcome, seconds in ended:
                took = int(seconds * 1000)
                sums = self._sums.get((account, outcome))
                if sums is None:
                    self._sums[account, outcome] = [1, took, took]
                else:
                    sums[0] += 1
                    sums[1] += took
                    sums[2] = max(sums[2], took)

    def take(self, every: float) -> dict[tuple[UUID, str], list[int]]:
        """All of it, if that was last asked for so many seconds ago; else nothing."""
        now = monotonic()
        if not self._sums or now - self._left_at < every:
            return {}
        with self._lock:
            self._left_at = now
            sums, self._sums = self._sums, {}
        return sums


_noted = _Noted()


def note(ended: Iterable[tuple[UUID, str, float]]) -> None:
    """Note polls that ended: the account, the outcome's word, and the seconds of their calls."""
    _noted.add(ended)


def leave(every: float = EVERY) -> None:
    """Leave what was noted as slips, where that was last done so many seconds ago; one statement at most.

    What the database refuses twice is not counted: polls go on without figures.
    """
    sums = _noted.take(every)
    if sums:
        try:
            once_more(partial(_leave, sums))
        except Error as error:
            logger.warning("the database refused the figures of some polls: %s", error)


def _leave(sums: dict[tuple[UUID, str], list[int]]) -> None:
    values: dict[str, Any] = {
        "accounts": [account for account, _ in sums],
        "outcomes": [outcome for _, outcome in sums],
        "polls": [one[0] for one in sums.values()],
        "durations": [one[1] for one in sums.values()],
        "slowest": [one[2] for one in sums.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, values)


def count() -> bool:
    """Count the slips into the tallies, if it is time for that; whether it was. The next time goes on."""
    with turn(ROLLUP, totals()) as ours:
        if ours:
            _count()
    return ours


def _count() -> None:
    until = monotonic() + BUDGET
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, {"batch": BATCH})
            (slips,) = cursor.fetchone()
        if slips < BATCH or monotonic() >= until:
            return


def totals() -> QuerySet[PollTally]:
    """The tallies of all accounts together."""
    return PollTally.objects.filter(account_id=None)


def forget() -> int:
    """Delete tallies that are not kept any more; how many. Two statements."""
    return forget_old(PollTally.objects.all())
