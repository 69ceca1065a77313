"""The calls of a question that is no poll: a search, the test of a key, the end of what a carrier keeps open.

They count as polls do, before they are made; nothing of them waits in a queue.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from carriers import standings
from carriers.budget import Counts, Reservation, most_calls, room
from carriers.days import MARGIN, Day, today
from carriers.exceptions import CarrierError
from carriers.health import Circuit, Standing, given_out
from carriers.models import CarrierAccount, DailyUse, KeyUse
from carriers.outcome import Outcome
from carriers.reserving import AllSpokenFor, reserve
from events.retrying import once_more

#: Somebody waits for these calls: they may be so much ahead of the pace, and polls make up for it.
AHEAD = timedelta(seconds=1)
#: Seconds after which places may be free again.
_SOON = 5.0


class Withheld(CarrierError):  # noqa: N818 (as in carriers.exceptions)
    """This account may not be asked with at this moment."""

    outcome = Outcome.THROTTLED


def take(
    account_id: UUID,
    *,
    probing: bool = False,
    calls: int | None = None,
    in_flight: Callable[[UUID], int] | None = None,
) -> Reservation:
    """Reserve the calls of one question, in a transaction of its own. Raises Withheld where it may not be.

    `probing`: although the carrier cannot be reached, to see whether it can. `calls` it makes, where that is
    less than a poll's. `in_flight`, called while nobody claims polls of the account, says how many calls are
    under way, this one included: then it keeps to the account's places too.
    """
    seen_at = monotonic()
    try:
        return once_more(partial(_take, account_id, probing, calls, in_flight, seen_at))
    except AllSpokenFor:
        raise Withheld(_USED_UP, retry_after=_SOON) from None


_USED_UP = "The day's calls of this account are used up."


@transaction.atomic
def _take(
    account_id: UUID,
    probing: bool,  # noqa: FBT001 (as `take` has it)
    calls: int | None,
    in_flight: Callable[[UUID], int] | None,
    seen_at: float,
) -> Reservation:
    found, now = standings.locked([account_id])
    account = (
        CarrierAccount.objects.only("courier", "daily_quota", "fingerprint").filter(id=account_id).first()
    )
    day = today(account.courier, now) if account else None
    if account is None or day is None or account_id not in found:
        raise Withheld("This account is gone.", retry_after=_SOON)
    if account.fingerprint is None:
        raise Withheld("This account is being taken into use.", retry_after=_SOON)
    _refuse_by_health(found[account_id], now, probing=probing)
    if in_flight is not None and in_flight(account_id) > settings.POLL_IN_FLIGHT_PER_ACCOUNT:
        raise Withheld("As many calls as may be are under way with this account.", retry_after=_SOON)
    needed = most_calls(account.courier) if calls is None else calls
    generation = _refuse_by_day(account, day, now, needed)
    start_by = seen_at + (day.closes - now).total_seconds()
    reserved = Reservation(
        account_id, account.courier, day.date, generation, needed, start_by, account.fingerprint
    )
    reserve({reserved: needed})
    if found[account_id].circuit is Circuit.CLOSED:
        standings.write({account_id: given_out(found[account_id], 1, now)})
    return reserved


def _refuse_by_health(standing: Standing, now: datetime, *, probing: bool) -> None:
    until = standing.open_until if standing.circuit is Circuit.OPEN else now
    if standing.circuit is not Circuit.CLOSED and not probing:
        wait = max(((until or now) - now).total_seconds(), _SOON)
        raise Withheld("The carrier cannot be reached at present.", retry_after=wait)
    if standing.paced_until is not None and standing.paced_until > now + AHEAD:
        wait = (standing.paced_until - now).total_seconds()
        raise Withheld("The carrier asks us to slow down.", retry_after=wait)


def _refuse_by_day(account: CarrierAccount, day: Day, now: datetime, calls: int) -> int:
    """The generation of the account's key, where the day has these calls left."""
    own = Q(account=account.id) | Q(account=None, courier=account.courier)
    rows = DailyUse.objects.filter(own, day=day.date).values_list("account", "reserved", "generation")
    used: dict[UUID | None, tuple[int, int]]
    used = {of: (reserved, generation) for of, reserved, generation in rows}
    reserved, generation = used.get(account.id, (0, 0))
    of_all, _ = used.get(None, (0, 0))
    of_key = KeyUse.objects.filter(fingerprint=account.fingerprint, day=day.date)
    counts = Counts(reserved, of_key.values_list("reserved", flat=True).first() or 0, of_all)
    uses = counts.uses(account.courier, account.daily_quota)
    if room(day, now, uses, calls=calls, served=None).left < 1:
        wait = (day.ends + MARGIN - now) if day.begins + MARGIN <= now else day.begins + MARGIN - now
        message = _USED_UP if day.is_open(now) else "The carrier's day is about to change."
        raise Withheld(message, retry_after=wait.total_seconds())
    return generation
