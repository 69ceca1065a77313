"""End at a carrier what it keeps open for a tracker that is stopped: rows with due times, worked off here.

A row is claimed by a lease, asked about outside any transaction, and settled only by who still holds the
claim. What the carrier refuses for now is tried again for about a week.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from carriers import accounts
from carriers.accounts import Account
from carriers.budget import Reservation
from carriers.exceptions import CarrierError, Refused
from carriers.health import Call
from carriers.heeding import Ended, heed
from carriers.http import HttpClient
from carriers.models import Closing
from carriers.registry import adapter, closing
from carriers.reserving import give_back
from carriers.starting import Calls
from carriers.taking import Withheld, take
from events.retrying import apart, once_more

logger = logging.getLogger(__name__)

#: Calls that one process makes at once, and claims at once.
AT_ONCE = 10
#: Seconds beyond a call's deadline after which a claim is anybody's again.
LEASE_BEYOND = 30.0
#: The wait after the first failure, doubled for each further one up to the last.
FIRST_WAIT, LAST_WAIT = timedelta(minutes=1), timedelta(hours=6)
#: Older than this, a row that fails once more is dropped: the carrier ends what nobody asks for by itself.
GIVE_UP_AFTER = timedelta(days=7)

# An account that is locked so is being deleted: nothing can be ended with it. What is owed already and under
# way is owed anew, since that call may have come too early.
_OWE = """
WITH owing AS MATERIALIZED (
    SELECT id FROM carriers_carrieraccount
    WHERE id = ANY(%(accounts)s::uuid[]) ORDER BY id FOR KEY SHARE SKIP LOCKED
)
INSERT INTO carriers_closing (id, account_id, tracker_id, failures)
SELECT gen_random_uuid(), owing.id, owed.tracker, 0
FROM unnest(%(accounts)s::uuid[], %(trackers)s::uuid[]) AS owed (account, tracker)
JOIN owing ON owing.id = owed.account
ORDER BY owing.id, owed.tracker
ON CONFLICT (account_id, tracker_id) DO UPDATE SET claim_id = NULL, claimed_until = NULL
"""

_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT closing.id FROM carriers_closing AS closing
    JOIN carriers_carrieraccount AS account ON account.id = closing.account_id
    WHERE closing.next_attempt_at <= statement_timestamp()
      AND (closing.claimed_until IS NULL OR closing.claimed_until <= statement_timestamp())
      AND account.state = 'active'
      AND (account.resting_until IS NULL OR account.resting_until <= statement_timestamp())
    ORDER BY closing.next_attempt_at LIMIT %(most)s FOR NO KEY UPDATE OF closing SKIP LOCKED
)
UPDATE carriers_closing AS closing
SET claim_id = %(claim)s, failures = closing.failures + 1,
    claimed_until = clock_timestamp() + make_interval(secs => %(lease)s)
FROM due, carriers_carrieraccount AS account
WHERE closing.id = due.id AND account.id = closing.account_id
RETURNING closing.id, closing.claim_id, closing.account_id, account.courier, closing.tracker_id,
          closing.failures, clock_timestamp(), clock_timestamp() - closing.created_at
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that this process may work on. `failures` counts this try already."""

    id: UUID
    claim: UUID
    account: UUID
    courier: str
    tracker: UUID
    failures: int
    claimed_at: datetime
    age: timedelta


def close_later(watches: Sequence[tuple[UUID, str, UUID]]) -> None:
    """Owe the end of (account, courier, tracker) each, in the caller's transaction: one statement at most.

    Couriers that keep nothing open owe nothing, and what is owed already is owed once. The caller holds the
    trackers' locks.
    """
    couriers = closing()
    owed = sorted({(account, tracker) for account, courier, tracker in watches if courier in couriers})
    if owed:
        values = {"accounts": [one for one, _ in owed], "trackers": [one for _, one in owed]}
        with connection.cursor() as cursor:
            cursor.execute(_OWE, values)


def close_due(budget: float, in_flight: Callable[[UUID], int] | None = None) -> int:
    """Work off what is due, for `budget` seconds and one call's deadline at most. Returns how many.

    `in_flight` counts the calls under way with an account, these included: see `carriers.taking`.
    """
    until = monotonic() + budget
    tried = 0
    while monotonic() < until:
        claims = once_more(_claim)
        _try(claims, in_flight)
        tried += len(claims)
        if len(claims) < AT_ONCE:
            break
    return tried


def _claim() -> list[Claim]:
    values: dict[str, Any] = {
        "most": AT_ONCE,
        "claim": uuid4(),
        "lease": settings.CARRIER_DEADLINE + LEASE_BEYOND,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        return [Claim(*row) for row in cursor.fetchall()]


def _try(claims: Sequence[Claim], in_flight: Callable[[UUID], int] | None) -> None:
    usable = accounts.usable({one.account for one in claims}) if claims else {}
    under_way: list[tuple[Claim, Reservation, Calls, Future[CarrierError | None]]] = []
    for one in claims:
        try:
            reserved = take(one.account, calls=1, in_flight=in_flight)
        except Withheld as error:
            apart(partial(_put_off, one, error))
            continue
        calls = Calls(_client(), reserved.start_by)
        work = partial(_close, one, usable.get(one.account), calls)
        under_way.append((one, reserved, calls, _threads().submit(work)))
    ended = [(one, _ended(one, call)) for one, _, _, call in under_way]
    give_back((reserved, calls.made) for _, reserved, calls, _ in under_way)
    for one, error_or_none in ended:
        apart(partial(_settle, one, error_or_none))
    apart(partial(heed, [_heard(one, error) for one, error in ended if one.account in usable]))


def _heard(one: Claim, error: CarrierError | None) -> Ended:
    return Ended(one.account, Call(one.tracker, one.claimed_at, error))


def _close(one: Claim, account: Account | None, client: Calls) -> CarrierError | None:
    """Runs on a thread that has no connection to the database. Without an account that is a failure."""
    if account is None:
        return CarrierError()
    credentials = account.credentials
    try:
        adapter(one.courier).close(one.tracker, credentials, client)
    except CarrierError as error:
        return error.conceal(credentials.key)
    return None


def _ended(one: Claim, call: Future[CarrierError | None]) -> CarrierError | None:
    """A fault of our own in one adapter is that one call's failure, and holds up no other."""
    fault = call.exception()
    if fault is None:
        return call.result()
    logger.error("an adapter failed", exc_info=fault, extra=_ids(one))
    return CarrierError()


def _ids(one: Claim) -> dict[str, object]:
    return {"tracker_id": one.tracker, "carrier_account_id": one.account, "courier": one.courier}


def _settle(one: Claim, error: CarrierError | None) -> None:
    mine = Closing.objects.filter(id=one.id, claim_id=one.claim)
    if error is None:
        mine.delete()
        return
    if isinstance(error, Refused) or one.age >= GIVE_UP_AFTER:
        logger.warning(
            "tracker %s stays open at %s: %s", one.tracker, one.courier, error.detail, extra=_ids(one)
        )
        mine.delete()
        return
    mine.update(claim_id=None, claimed_until=None, next_attempt_at=Now() + _wait(one.failures, error))


def _put_off(one: Claim, error: Withheld) -> None:
    """It was not tried."""
    mine = Closing.objects.filter(id=one.id, claim_id=one.claim)
    soon = Now() + timedelta(seconds=error.retry_after or 0)
    mine.update(claim_id=None, claimed_until=None, failures=F("failures") - 1, next_attempt_at=soon)


def _wait(failures: int, error: CarrierError) -> timedelta:
    doubled = min(FIRST_WAIT * (1 << min(max(failures - 1, 0), 20)), LAST_WAIT)
    return max(doubled, timedelta(seconds=error.retry_after or 0))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="closing")


@cache
def _client() -> HttpClient:
    return HttpClient()
