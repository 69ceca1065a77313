"""Claiming what is due: by account, within its places and its calls of the day, the most urgent first.

One transaction locks the health of the accounts it serves, so that no two processes count the same place or
the same call twice; what they cannot have they leave, and never wait for.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction

from carriers import budget, reserving, standings
from carriers.health import Circuit, Standing, given_out, next_call_at
from trackers.dues import Due, due_accounts, held
from trackers.places import LONG
from trackers.turns import ASKED, shares

_HANGING = """
SELECT DISTINCT carrier_account_id FROM trackers_watch
WHERE claim_id IS NOT NULL AND claimed_until > statement_timestamp()
  AND claimed_at <= statement_timestamp() - make_interval(secs => %s)
"""

#: Seconds that somebody waits for the pace of an account.
SOON = 5.0

_CLAIM = """
WITH wanted AS (
    SELECT * FROM unnest(%(accounts)s::uuid[], %(urgencies)s::smallint[], %(counts)s::integer[])
        AS wanted (account, urgency, count)
),
free AS MATERIALIZED (
    SELECT first.id FROM wanted CROSS JOIN LATERAL (
        SELECT id FROM trackers_watch
        WHERE carrier_account_id = wanted.account AND urgency = wanted.urgency
          AND next_poll_at <= statement_timestamp()
          AND (claim_id IS NULL OR claimed_until <= statement_timestamp())
        ORDER BY next_poll_at LIMIT wanted.count
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS first
)
UPDATE trackers_watch AS watch
SET claim_id = %(claim)s, claimed_at = clock_timestamp(),
    claimed_until = clock_timestamp() + make_interval(secs => %(lease)s)
FROM free, trackers_tracker AS tracker
WHERE watch.id = free.id AND tracker.id = watch.tracker_id
RETURNING watch.carrier_account_id, {columns}
"""


class Places(Protocol):
    """How many calls with an account the process that claims has room for."""

    def granted(self, wishes: Mapping[UUID, int], /) -> dict[UUID, int]:
        """How many of these calls may begin, where the first of the accounts come first."""


def take(most: int, columns: str, places: Places | None = None) -> list[tuple[Due, Sequence[Any]]]:
    """Claim at most this many due watches, and reserve their calls: nine statements at most.

    Each with the account that asks, as it was then, and with `columns` of `watch` and its `tracker`. No
    account has more calls in flight than it may, over all processes, nor more in a day; what each may is
    shared out by `trackers.turns`. Accounts take turns: the least recently served come first. `places` leaves
    out those that this process has no room for.
    """
    likely = _likely(most, places)
    if not likely:
        return []
    try:
        with transaction.atomic():
            return _taken(likely, most, columns, places)
    except reserving.AllSpokenFor:
        return []


def oldest_due() -> datetime | None:
    """Since when the longest-due watch that could be asked about now waits; None: nothing is due.

    What waits for the day's calls to last, for a carrier that wants fewer, or behind calls that hang, is not
    late.
    """
    waiting = []
    hanging = _hanging()
    for one in due_accounts(1):
        if one.polls > 0 and one.standing.rate is None and one.account not in hanging:
            since = one.since[: ASKED + 1] if one.room().is_short else one.since
            waiting += [moment for moment in since if moment is not None]
    return min(waiting, default=None)


def _hanging() -> set[UUID]:
    """Accounts with a call under way that takes long: no process has more than a few places for them."""
    with connection.cursor() as cursor:
        cursor.execute(_HANGING, [LONG])
        return {row[0] for row in cursor.fetchall()}


def pace_allows_in() -> float | None:
    """Seconds until an account that has something due may ask again by its pace; None: none waits for that.

    Waits of more than SOON seconds count for nothing: the sweeps look again before.
    """
    waits = [
        (next_call_at(one.standing, one.now) - one.now).total_seconds()
        for one in due_accounts(1)
        if one.standing.circuit is Circuit.CLOSED and one.standing.rate is not None and one.room().left > 0
    ]
    return min((wait for wait in waits if wait <= SOON), default=None)


def _taken(
    accounts: Sequence[UUID], most: int, columns: str, places: Places | None
) -> list[tuple[Due, Sequence[Any]]]:
    dues = {one.account: one for one in due_accounts(settings.POLL_IN_FLIGHT_PER_ACCOUNT, held(accounts))}
    counts = _shared_out(list(dues.values()), most, places)
    wanted = [(account, urgency, n) for account, of in counts.items() for urgency, n in of.items() if n]
    if not wanted:
        return []
    values: dict[str, Any] = {
        "accounts": [account for account, _, _ in wanted],
        "urgencies": [urgency for _, urgency, _ in wanted],
        "counts": [n for _, _, n in wanted],
        "claim": uuid4(),
        "lease": settings.POLL_LEASE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM.format(columns=columns), values)
        taken = [(dues[account], row) for account, *row in cursor.fetchall()]
    _count(Counter(one.account for one, _ in taken), dues)
    return taken


def _likely(most: int, places: Places | None) -> list[UUID]:
    """Accounts whose polls that could start now are as many as are wanted, in turn; nothing is locked yet."""
    found: list[UUID] = []
    wanted = most
    wishes = {one.account: one.polls for one in due_accounts(settings.POLL_IN_FLIGHT_PER_ACCOUNT)}
    for account, polls in (places.granted(wishes) if places else wishes).items():
        if polls > 0:
            found.append(account)
            wanted -= polls
        if wanted <= 0:
            break
    return found


def _shared_out(dues: Sequence[Due], most: int, places: Places | None) -> dict[UUID, dict[int, int]]:
    """Polls by account and urgency: as even as their places let it be, the least recently served first."""
    wishes = {one.account: min(one.places, one.room().left, sum(one.due)) for one in dues}
    given = _evenly(places.granted(wishes) if places else wishes, most)
    spoken_for: dict[str, int] = defaultdict(int)
    counts: dict[UUID, dict[int, int]] = {}
    for one in dues:
        calls = budget.most_calls(one.courier)
        room, turn = one.room(spoken_for), one.reserved // calls
        counts[one.account] = shares(dict(enumerate(one.due)), given[one.account], room, turn=turn)
        polls = sum(counts[one.account].values())
        for shared in one.shares:
            spoken_for[shared] += polls * calls
    return counts


def _evenly(wishes: Mapping[UUID, int], most: int) -> dict[UUID, int]:
    """What each gets of `most`: nobody more than it wishes, or than another one whose wish is not met."""
    given = dict.fromkeys(wishes, 0)
    left = most
    while left and (open_ := [one for one in wishes if given[one] < wishes[one]]):
        share = max(1, left // len(open_))
        for one in open_[:left]:
            got = min(share, wishes[one] - given[one], left)
            given[one] += got
            left -= got
    return given


def _count(polls: Mapping[UUID, int], dues: Mapping[UUID, Due]) -> None:
    """Write what was given out: the day's calls, and the accounts' pace. Three statements at most."""
    calls = [(dues[account].reservation(), n) for account, n in polls.items()]
    reserving.reserve({one: n * one.calls for one, n in calls if one is not None})
    standings.write({account: _served(dues[account], n) for account, n in polls.items()})


def _served(one: Due, polls: int) -> Standing:
    """Without a pace, the moment up to which calls are given out is when the account was last served."""
    given = given_out(one.standing, polls, one.now)
    return given if given.rate is not None else replace(given, paced_until=one.now)
