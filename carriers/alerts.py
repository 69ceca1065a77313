"""What of carrier accounts and carriers' codes needs a person."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Now
from django.utils import timezone

from accounts.alerts import MOST, Alert, Kind
from carriers.budget import key_quota_of, most_calls, service_quota_of
from carriers.conditions import Status, calls_left, condition, with_health
from carriers.models import CarrierAccount, Health, UnmappedCode
from carriers.registry import adapters


def alerts() -> list[Alert]:
    """Accounts that ask nothing though their owner wants it, then codes that no map knows. Two statements."""
    return [*_of_accounts(), *_of_codes()]


def _of_accounts() -> Iterator[Alert]:
    now = timezone.now()
    for account in _troubled().order_by("id")[:MOST]:
        if found := _alert(account, now):
            yield found


def _troubled() -> QuerySet[CarrierAccount]:
    """Those that may be: `condition` judges, who knows which day it is at the carrier's home."""
    accounts = CarrierAccount.objects.defer("key", "push_secret").select_related("merchant")
    counted = with_health(accounts.exclude(state=CarrierAccount.State.PAUSED)).alias(
        calls=_by_courier(most_calls), of_key=_by_courier(key_quota_of), of_all=_by_courier(service_quota_of)
    )
    used_up = [
        Q(own_reserved__gt=F("daily_quota") - F("calls")),
        Q(own_reserved__gt=F("of_key") - F("calls")),
        Q(of_key_reserved__gt=F("of_key") - F("calls")),
        Q(of_all_reserved__gt=F("of_all") - F("calls")),
    ]
    return counted.filter(
        Q(state=CarrierAccount.State.SUSPENDED)
        | ~Q(health__circuit=Health.Circuit.CLOSED)
        | Q(resting_until__gt=Now())
        | Q(health__paced_until__gt=Now())
        | reduce(or_, used_up)
    )


def _by_courier(number_of: Callable[[str], int | None]) -> Case:
    known = [(courier, number_of(courier)) for courier in adapters()]
    cases = [When(courier=courier, then=Value(number)) for courier, number in known if number is not None]
    return Case(*cases, output_field=IntegerField())


def _alert(account: CarrierAccount, now: datetime) -> Alert | None:
    how = condition(account, now)
    health: Health | None = getattr(account, "health", None)
    match how.status:
        case Status.SUSPENDED:
            kind, since = Kind.ACCOUNT_SUSPENDED, account.suspended_at
        case Status.DOWN:
            kind, since = Kind.CIRCUIT_OPEN, health.last_answer_at if health else None
        case Status.RESTING:
            kind, since = (Kind.QUOTA_USED_UP if _is_used_up(account, now) else Kind.ACCOUNT_RESTING), None
        case _:
            return None
    until = f" Until {how.until:%Y-%m-%d %H:%M} UTC." if how.until else ""
    return Alert(
        kind=kind,
        about=str(account),
        detail=f"{how.reason or ''}{until}".strip(),
        since=since,
        page="carriers_carrieraccount_change",
        page_id=str(account.id),
    )


def _is_used_up(account: CarrierAccount, now: datetime) -> bool:
    """Whether it is our own count that stops it, not the carrier's word."""
    left = calls_left(account, now)
    rests = account.resting_until is not None and account.resting_until > now
    return not rests and left is not None and left < most_calls(account.courier)


def _of_codes() -> Iterator[Alert]:
    newest = UnmappedCode.objects.order_by("-last_seen_at", "id")
    for one in newest.only("courier", "code", "count", "first_seen_at")[:MOST]:
        yield Alert(
            kind=Kind.UNMAPPED_CODE,
            about=f"{one.courier}: {one.code}",
            detail="In one answer." if one.count == 1 else f"In {one.count:,} answers.",
            since=one.first_seen_at,
            page="carriers_unmappedcode_change",
            page_id=str(one.pk),
        )
