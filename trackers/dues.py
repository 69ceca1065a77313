"""What is due, by carrier account: how much of each urgency, and what the account may still do about it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from carriers import budget, days, standings
from carriers.budget import Counts, Reservation, Room
from carriers.days import Day
from carriers.health import Standing, calls_now
from trackers import strays
from trackers.turns import ASKED, URGENCIES

# An urgency's first rows, through `watch_due_by_urgency`; those under way are due as well, and passed over.
_OF_URGENCY = """
SELECT count(*) AS due, min(next_poll_at) AS since FROM (
    SELECT next_poll_at FROM trackers_watch
    WHERE carrier_account_id = account.id AND urgency = {} AND next_poll_at <= statement_timestamp()
      AND (claim_id IS NULL OR claimed_until <= statement_timestamp())
    ORDER BY next_poll_at LIMIT %(depth)s
) AS first
"""
_DUE = "\n".join(
    f"CROSS JOIN LATERAL ({_OF_URGENCY.format(urgency)}) AS due_{urgency}" for urgency in URGENCIES
)
_ANY_DUE = " + ".join(f"due_{urgency}.due" for urgency in URGENCIES)

# What is claimed by a lease that runs: a worker that died has its calls counted until then.
_IN_FLIGHT = f"""
(SELECT count(*) FROM trackers_watch
 WHERE carrier_account_id = {{0}} AND claim_id IS NOT NULL AND claimed_until > statement_timestamp())
+ (SELECT count(*) FROM carriers_closing
   WHERE account_id = {{0}} AND claimed_until > statement_timestamp())
+ {strays.COUNT}
"""  # noqa: S608 (constants only)

_FACTS = f"""
WITH home AS (
    SELECT courier, day FROM unnest(%(couriers)s::text[], %(days)s::date[],
        %(begins)s::timestamptz[], %(ends)s::timestamptz[]) AS day_there (courier, day, begins, ends)
    WHERE begins <= statement_timestamp() AND statement_timestamp() < ends
)
SELECT account.id, account.courier, account.changed_at, account.daily_quota, account.fingerprint,
       statement_timestamp(), home.day, coalesce(own.reserved, 0), coalesce(own.generation, 0),
       coalesce(of_key.reserved, 0), coalesce(of_all.reserved, 0), in_flight.calls,
       ARRAY[{", ".join(f"due_{urgency}.due" for urgency in URGENCIES)}],
       ARRAY[{", ".join(f"due_{urgency}.since" for urgency in URGENCIES)}],
       {standings.COLUMNS}
FROM carriers_carrieraccount AS account
JOIN carriers_health AS health ON health.account_id = account.id
LEFT JOIN home ON home.courier = account.courier
LEFT JOIN carriers_dailyuse AS own ON own.account_id = account.id AND own.day = home.day
LEFT JOIN carriers_keyuse AS of_key
    ON of_key.fingerprint = account.fingerprint AND of_key.day = home.day
LEFT JOIN carriers_dailyuse AS of_all
    ON of_all.account_id IS NULL AND of_all.courier = account.courier AND of_all.day = home.day
{_DUE}
CROSS JOIN LATERAL (SELECT ({_IN_FLIGHT.format("account.id")}) AS calls) AS in_flight
WHERE account.state = 'active' AND account.fingerprint IS NOT NULL
  AND (account.resting_until IS NULL OR account.resting_until <= statement_timestamp())
  AND (%(only)s::uuid[] IS NULL OR account.id = ANY(%(only)s::uuid[]))
  AND in_flight.calls < %(cap)s AND {_ANY_DUE} > 0
ORDER BY health.paced_until NULLS FIRST, account.id
"""  # noqa: S608 (constants only)

_LOCK = """
SELECT account_id FROM carriers_health WHERE account_id = ANY(%s) FOR NO KEY UPDATE SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class Due:
    """One account at one moment of the database: what is due there, and what it has used and may use.

    `due` and `since` by urgency: so many watches (as many as were looked for, at most), the first of them
    since then. `seen_at` is of time.monotonic(), `now` or a little earlier.
    """

    account: UUID
    courier: str
    changed_at: datetime
    daily_quota: int | None
    fingerprint: str = field(repr=False)
    now: datetime
    date: date | None
    reserved: int
    generation: int
    reserved_of_key: int
    reserved_of_all: int
    in_flight: int
    due: Sequence[int]
    since: Sequence[datetime | None]
    standing: Standing
    day: Day | None
    seen_at: float

    @property
    def places(self) -> int:
        """Calls that may start now by what is under way and by the account's health."""
        free = settings.POLL_IN_FLIGHT_PER_ACCOUNT - self.in_flight
        healthy = calls_now(self.standing, self.in_flight, self.now)
        return max(0, free if healthy is None else min(free, healthy))

    def room(self, spoken_for: Mapping[str, int] | None = None) -> Room:
        """Polls that may start now by the day's calls, where others take so many of them: see `shares`.

        A courier without an adapter calls nobody.
        """
        if self.day is None:
            return Room(budget.UNBOUNDED, budget.UNBOUNDED)
        of_key, of_all = ((spoken_for or {}).get(one, 0) for one in self.shares)
        counts = Counts(self.reserved, self.reserved_of_key + of_key, self.reserved_of_all + of_all)
        uses = counts.uses(self.courier, self.daily_quota)
        calls = budget.most_calls(self.courier)
        return budget.room(self.day, self.now, uses, calls=calls, served=self.standing.paced_until)

    @property
    def shares(self) -> tuple[str, str]:
        """What it shares the day's calls with: those who have its key, and all at its courier."""
        return self.fingerprint, self.courier

    @property
    def polls(self) -> int:
        """How many of the polls that are due could start now."""
        asked, scheduled = self.due[ASKED], sum(self.due) - self.due[ASKED]
        room = self.room()
        return min(self.places, room.left, min(asked, room.left) + min(scheduled, room.scheduled))

    def reservation(self) -> Reservation | None:
        """What one poll reserves; None where there is no adapter to call with."""
        if self.day is None:
            return None
        left = (self.day.closes - self.now).total_seconds()
        calls = budget.most_calls(self.courier)
        start_by = self.seen_at + left
        return Reservation(
            self.account, self.courier, self.day.date, self.generation, calls, start_by, self.fingerprint
        )


def due_accounts(depth: int, only: Collection[UUID] | None = None) -> list[Due]:
    """The accounts with something due and a place for it, the least recently served first: one statement.

    `depth`: watches of each urgency that are looked at. `only`: none but these.
    """
    seen_at = monotonic()
    known = {(day.courier, day.date): day for day in days.around(timezone.now())}
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, _values(depth, only, known.values()))
        rows = cursor.fetchall()
    return [_due(row, known.get((row[1], row[6])), seen_at) for row in rows]


def in_flight(account_id: UUID) -> int:
    """Calls under way with an account: polls, and what is being ended at its carrier."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_IN_FLIGHT.format('%(account)s')}", {"account": account_id})
        calls: int = cursor.fetchone()[0]
    return calls


def held(account_ids: Collection[UUID]) -> list[UUID]:
    """Lock the health of these accounts; those that somebody else holds are left out. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [list(account_ids)])
        return [row[0] for row in cursor.fetchall()]


def _values(depth: int, only: Collection[UUID] | None, there: Iterable[Day]) -> dict[str, Any]:
    days_there = list(there)
    return {
        "couriers": [day.courier for day in days_there],
        "days": [day.date for day in days_there],
        "begins": [day.begins for day in days_there],
        "ends": [day.ends for day in days_there],
        "depth": depth,
        "cap": settings.POLL_IN_FLIGHT_PER_ACCOUNT,
        "only": None if only is None else list(only),
    }


def _due(row: Sequence[Any], day: Day | None, seen_at: float) -> Due:
    return Due(*[*row[:14], standings.standing(tuple(row[14:])), day, seen_at])
