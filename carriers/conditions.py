"""How accounts and couriers are, in one word each, for those who ask: the API and the admin."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from carriers import budget, standings
from carriers.budget import Counts, day_of, most_calls
from carriers.days import today
from carriers.health import Circuit, Standing
from carriers.models import CarrierAccount, DailyUse, KeyUse
from carriers.registry import adapters

#: A wait that the carrier asked for and that is longer than this is a rest; a shorter one slows down.
_LONG_WAIT = timedelta(minutes=1)


class Status(StrEnum):
    """How an account is. The better comes first."""

    #: Its calls are answered.
    OPERATIONAL = "operational"
    #: Some calls fail, or its carrier asked to slow down: news comes later.
    DEGRADED = "degraded"
    #: Nothing is asked until a moment that is known: the day's calls are used up, or the carrier wants that.
    RESTING = "resting"
    #: The carrier cannot be reached; one call at a time finds out when it can.
    DOWN = "down"
    #: Nothing is asked until a person does something about it.
    SUSPENDED = "suspended"
    #: There is no account to ask with.
    NO_ACCOUNT = "no_account"


@dataclass(frozen=True, slots=True)
class Condition:
    """The word, and why, and until when, where that is known. Neither holds anything secret."""

    status: Status
    reason: str | None = None
    until: datetime | None = None


def with_health(accounts: QuerySet[CarrierAccount]) -> QuerySet[CarrierAccount]:
    """The accounts with what the functions below look at, still in one query."""
    newest = {
        "own": DailyUse.objects.filter(account=OuterRef("pk")).order_by("-day"),
        "of_key": KeyUse.objects.filter(fingerprint=OuterRef("fingerprint")).order_by("-day"),
        "of_all": DailyUse.objects.filter(account=None, courier=OuterRef("courier")).order_by("-day"),
    }
    used = {
        f"{whose}_{what}": Subquery(rows.values(what)[:1])
        for whose, rows in newest.items()
        for what in ("day", "reserved")
    }
    return accounts.select_related("health").annotate(**used)


def calls_left(account: CarrierAccount, now: datetime) -> int | None:
    """Calls that it may still make today at its carrier's home; None: nobody counts. See `with_health`."""
    counts = Counts(*(_counted(account, whose, now) for whose in ("own", "of_key", "of_all")))
    return budget.calls_left(account.courier, account.daily_quota, counts)


def used_today(account: CarrierAccount, now: datetime) -> int:
    """Calls that are reserved on this day at its carrier's home. See `with_health`."""
    return _counted(account, "own", now)


def _counted(account: CarrierAccount, whose: str, now: datetime) -> int:
    day, used = getattr(account, f"{whose}_day", None), getattr(account, f"{whose}_reserved", None)
    return used if used and day == day_of(account.courier, now) else 0


def condition(account: CarrierAccount, now: datetime) -> Condition:
    """How this account, read by `with_health`, is at this moment."""
    if account.state == CarrierAccount.State.PAUSED:
        return Condition(Status.SUSPENDED, "The account is paused.")
    if account.state != CarrierAccount.State.ACTIVE:
        return Condition(Status.SUSPENDED, account.suspended_reason or None)
    standing = standings.of_account(account)
    return _down(standing, now) or _resting(account, standing, now) or _degraded(standing)


def of_couriers(merchant_id: UUID) -> dict[str, Condition]:
    """How each courier is for this merchant: as the account is that asks for it. One query.

    That is the best of its own that may be asked, else of the house's, of which it learns the word alone.
    """
    now = timezone.now()
    held = CarrierAccount.objects.filter(Q(merchant=merchant_id) | Q(merchant=None), courier__in=adapters())
    by_courier: dict[str, list[CarrierAccount]] = {courier: [] for courier in adapters()}
    for account in with_health(held.defer("key", "push_secret")):
        by_courier[account.courier].append(account)
    return {courier: _of_courier(courier, accounts, now) for courier, accounts in by_courier.items()}


def _of_courier(courier: str, accounts: Sequence[CarrierAccount], now: datetime) -> Condition:
    own = [condition(one, now) for one in accounts if one.merchant_id is not None]
    house = [_discreet(condition(one, now)) for one in accounts if one.merchant_id is None]
    for group in (own, house):
        if best := _best(one for one in group if one.status is not Status.SUSPENDED):
            return best
    if best := _best([*own, *house]):
        return best
    if adapters()[courier].needs_account:
        return Condition(Status.NO_ACCOUNT, "There is no account to ask with.")
    return Condition(Status.OPERATIONAL)


def _best(conditions: Iterable[Condition]) -> Condition | None:
    return min(conditions, key=lambda one: list(Status).index(one.status), default=None)


def _discreet(one: Condition) -> Condition:
    """Of the house's account a merchant learns how it is, and nothing of what its carrier said."""
    reason = None if one.status is Status.OPERATIONAL else f"The house's account is {one.status.value}."
    return Condition(one.status, reason, one.until)


def _down(standing: Standing, now: datetime) -> Condition | None:
    if standing.circuit is Circuit.CLOSED:
        return None
    until = standing.open_until if standing.open_until and standing.open_until > now else None
    return Condition(Status.DOWN, standing.last_failure or None, until)


def _resting(account: CarrierAccount, standing: Standing, now: datetime) -> Condition | None:
    if account.resting_until is not None and account.resting_until > now:
        return Condition(Status.RESTING, "The day's look-ups of the key are used up.", account.resting_until)
    left = calls_left(account, now)
    if left is not None and left < most_calls(account.courier):
        day = today(account.courier, now)
        return Condition(Status.RESTING, "The day's calls are used up.", day.ends if day else None)
    slot = timedelta(seconds=1 / standing.rate) if standing.rate else timedelta()
    if standing.paced_until is not None and standing.paced_until - now > _LONG_WAIT + slot:
        return Condition(Status.RESTING, "The carrier asked us to wait.", standing.paced_until)
    return None


def _degraded(standing: Standing) -> Condition:
    if standing.failing:
        return Condition(Status.DEGRADED, standing.last_failure or None)
    if standing.pace is not None:
        slower = f"The carrier asked us to slow down: {standing.pace:.2g} calls a second at present."
        return Condition(Status.DEGRADED, slower)
    return Condition(Status.OPERATIONAL)
