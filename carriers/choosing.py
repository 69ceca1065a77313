"""Which accounts a merchant may ask couriers with at this moment, and in which order."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, Q
from django.db.models.functions import Now

from carriers import accounts
from carriers.accounts import Account
from carriers.models import CarrierAccount
from carriers.registry import adapter, adapters


@dataclass(frozen=True, slots=True)
class Choice:
    """An account to ask with. `changed_at` is what `accounts.suspend` compares, should the key be refused."""

    account: Account
    changed_at: datetime


def choices(merchant_id: UUID, couriers: Collection[str]) -> dict[str, list[Choice]]:
    """By courier, the accounts to ask with: the merchant's own before the house's, the newest first.

    Suspended and resting accounts are left out. A courier that nobody may ask has an empty list.
    """
    for code in couriers:
        if not adapter(code).needs_account:
            accounts.house_account_without_key(code)
    awake = Q(resting_until=None) | Q(resting_until__lte=Now())
    found = list(
        CarrierAccount.objects.filter(
            awake,
            Q(merchant=merchant_id) | Q(merchant=None),
            courier__in=couriers,
            state=CarrierAccount.State.ACTIVE,
        )
        .order_by(F("merchant_id").asc(nulls_last=True), "-created_at")
        .values_list("id", "courier", "changed_at")
    )
    usable = accounts.usable([id_ for id_, _, _ in found])
    chosen: dict[str, list[Choice]] = {courier: [] for courier in couriers}
    for id_, courier, changed_at in found:
        if id_ in usable:
            chosen[courier].append(Choice(usable[id_], changed_at))
    return chosen


def known_to(merchant_id: UUID) -> dict[str, bool]:
    """The couriers that are the merchant's to ask, each with whether it could be asked; one query.

    Its own, the house's and those that need no account. One that can not be asked has suspended accounts.
    """
    couriers = {code: True for code, one in adapters().items() if not one.needs_account}
    held = CarrierAccount.objects.filter(Q(merchant=merchant_id) | Q(merchant=None), courier__in=adapters())
    for courier, state in held.values_list("courier", "state").distinct():
        couriers[courier] = couriers.get(courier, False) or state == CarrierAccount.State.ACTIVE
    return couriers
