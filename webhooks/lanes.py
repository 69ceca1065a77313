"""Lanes: what each endpoint has due, how much of it may start now, and the claim of that, in one statement.

The cap is exact with any number of claimers. Whoever claims from a lane locks its row and writes to it; a
claimer that finds the row locked, or written since its own statement began, leaves the lane to the other and
comes back. So what a claimer counted as under way is all there is. Nobody waits for anybody.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from webhooks.heads import EARLY, EARLY_OF_SLOW, LATE, Kind, lanes, next_of_rate, oldest
from webhooks.paces import Pace
from webhooks.taking import taking

#: Due deliveries of an ordered endpoint that are looked at beyond those that may start, since some of them
#: wait in turn: at first, and once that has been so.
AHEAD, FURTHER_AHEAD = 20, 500
#: How often one claim looks again at once because it found some that wait in turn.
ROUNDS = 10

#: The advisory lock's two keys: no other code of this database may use the first.
_LOCK = (0x106A, 0)


def making(found: str) -> str:
    """SQL that makes the lanes which are missing: `found` has their endpoints, and a `version` of null.

    It makes none while another does, whose end it would have to wait for.
    """
    return f"""
    INSERT INTO webhooks_lane (endpoint_id)
    SELECT endpoint_id FROM {found}
    WHERE version IS NULL AND pg_try_advisory_xact_lock({_LOCK[0]}, {_LOCK[1]})
    ON CONFLICT (endpoint_id) DO NOTHING
    """  # noqa: S608 - what callers give is constant


_KINDS: Mapping[Pace, tuple[Kind, ...]] = {Pace.FIRST: (EARLY,), Pace.LATE: (EARLY_OF_SLOW, LATE)}

#: What a claim at a pace asks, one statement after the other, each for what the one before left of the limit.
#: All of slow endpoints come first: they get two places each, and are not to wait behind a backlog.
TAKE: Mapping[Pace, tuple[str, ...]] = {pace: tuple(map(taking, kinds)) for pace, kinds in _KINDS.items()}
#: The one of them that need not be asked in every claim: slow endpoints have time.
OF_SLOW = taking(EARLY_OF_SLOW)
_MAKE = {taking(kind): f"{lanes(kind)} {making('lane')}" for kinds in _KINDS.values() for kind in kinds}
_OLDEST = {pace: tuple(map(oldest, kinds)) for pace, kinds in _KINDS.items()}
_NEXT_TOKEN = {pace: tuple(map(next_of_rate, kinds)) for pace, kinds in _KINDS.items()}


class Found(NamedTuple):
    """What one statement of TAKE answers.

    `rows` are claimed; `webhooks.claims` knows their columns. `without_lane`: endpoints that were passed by
    because they have no lane yet; `put_off`: deliveries that were, because they wait in turn. `overdue`:
    seconds that the first of what could start has been due; None: nothing was.
    """

    rows: list[tuple[Any, ...]]
    without_lane: int
    put_off: int
    overdue: float | None

    def wants_another_round(self, limit: int) -> bool:
        """Whether the same statement, asked for `limit`, would find more at once: see `go_on`."""
        return len(self.rows) < limit and bool(self.without_lane or self.put_off)


def read(answer: Sequence[tuple[Any, ...]]) -> Found:
    """The rows that a statement of TAKE returned: always one at least, with nulls where none is claimed."""
    without_lane, put_off, overdue = answer[0][:3]
    return Found([row[3:] for row in answer if row[3]], without_lane, put_off, overdue)


def asking(limit: int, values: Mapping[str, Any], *, ahead: int = AHEAD) -> dict[str, Any]:
    """The values of a statement of TAKE: `values` are `claim`, `lease` (seconds) and `forgiven`."""
    return {**values, "limit": limit, "ahead": ahead}


def go_on(statement: str, limit: int, values: Mapping[str, Any], found: Found) -> list[tuple[Any, ...]]:
    """Further rounds of a statement of TAKE that was asked for `limit`.

    Returns what they claimed besides what it `found`.
    """
    rows: list[tuple[Any, ...]] = []
    ahead = AHEAD
    with connection.cursor() as cursor:
        for _ in range(ROUNDS - 1):
            if not found.wants_another_round(limit):
                break
            limit -= len(found.rows)
            made = _make(cursor, statement, limit) if found.without_lane else 0
            if found.put_off:
                ahead = FURTHER_AHEAD
            elif not made:
                break
            cursor.execute(statement, asking(limit, values, ahead=ahead))
            found = read(cursor.fetchall())
            rows += found.rows
    return rows


def oldest_due(paces: Iterable[Pace] = tuple(Pace)) -> datetime | None:
    """Since when the first of what a claim would find now has been due; None: it would find nothing."""
    return min(_each(_OLDEST, paces), default=None)


def rate_allows_in(paces: Iterable[Pace] = tuple(Pace)) -> float | None:
    """Seconds until a rate limit lets go what is due and not held up otherwise; None: there is nothing.

    0: it does now, perhaps since a moment ago.
    """
    return min(_each(_NEXT_TOKEN, paces), default=None)


def _make(cursor: CursorWrapper, statement: str, limit: int) -> int:
    cursor.execute(_MAKE[statement], {"limit": limit})
    made: int = cursor.rowcount
    return made


def _each(statements: Mapping[Pace, Sequence[str]], paces: Iterable[Pace]) -> list[Any]:
    """What the statements of these paces answer, but for null."""
    found = []
    with connection.cursor() as cursor:
        for statement in (each for pace in paces for each in statements[pace]):
            cursor.execute(statement)
            found.append(cursor.fetchone()[0])
    return [each for each in found if each is not None]
