"""Carrier accounts: which couriers a merchant reaches, and the health of a key."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from carriers import standings
from carriers.adapter import Credentials
from carriers.days import today
from carriers.fingerprints import fingerprint, is_of_a_key
from carriers.health import Standing
from carriers.models import CarrierAccount
from carriers.news import Kind, owe
from carriers.registry import adapter, adapters
from carriers.reserving import start_anew

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """An account that can be asked with: what a call needs, and whether it is a merchant's own."""

    credentials: Credentials
    own: bool
    #: `CarrierAccount.changed_at`: another key has another one.
    version: datetime


def reachable(merchant_ids: Collection[UUID]) -> dict[UUID, set[str]]:
    """By merchant, the couriers it can ask: with its own account, the house's or none at all. One query.

    Where an account can be asked with, those that are suspended or paused count too: a number is shared out
    among couriers once, and the stopped one may be its own. It waits for that account to be taken up again.
    """
    free = {code for code, one in adapters().items() if not one.needs_account}
    active: dict[UUID, set[str]] = {merchant: set() for merchant in merchant_ids}
    stopped: dict[UUID, set[str]] = {merchant: set() for merchant in active}
    held = CarrierAccount.objects.filter(Q(merchant__in=active) | Q(merchant=None), courier__in=adapters())
    for merchant, courier, state in held.values_list("merchant_id", "courier", "state").distinct():
        found = active if state == CarrierAccount.State.ACTIVE else stopped
        for couriers in [found[merchant]] if merchant in found else found.values():
            couriers.add(courier)
    return {
        merchant: free | couriers | (stopped[merchant] if couriers - free else set())
        for merchant, couriers in active.items()
    }


def usable(account_ids: Collection[UUID]) -> dict[UUID, Account]:
    """These accounts by id, in one query while all is well. What nothing can be asked with is left out.

    That is an account that was deleted meanwhile, and one whose key cannot be decrypted or whose courier has
    no adapter: these are suspended, so that operations see them.
    """
    found = {}
    for account in _loaded(account_ids):
        try:
            if account.courier in adapters():
                found[account.id] = Account(
                    credentials(account), account.merchant_id is not None, account.changed_at
                )
                continue
            reason = f"There is no adapter for the courier {account.courier}."
        except InvalidToken:
            reason = (
                "The key cannot be decrypted: none of FIELD_ENCRYPTION_KEYS opens it. Bring that one back "
                "and resume the account, or give it its key anew."
            )
        except CarrierAccount.DoesNotExist:
            continue
        suspend(account.id, reason, asked_at=account.changed_at)
    return found


def _loaded(account_ids: Collection[UUID]) -> list[CarrierAccount]:
    """The accounts. A key that cannot be decrypted fails them all: then each is left to be read alone."""
    accounts = CarrierAccount.objects.filter(id__in=account_ids).defer("push_secret")
    try:
        return list(accounts)
    except InvalidToken:
        return list(accounts.defer("key", "push_secret"))


def credentials(account: CarrierAccount) -> Credentials:
    """What one call needs; what the account leaves open is the carrier's. KeyError for an unknown courier."""
    carrier = adapter(account.courier)
    return Credentials(
        account_id=account.id,
        base_url=account.base_url or carrier.default_base_url,
        key=account.key,
        time_zone=account.time_zone or carrier.time_zone,
    )


def suspend(account_id: UUID, reason: str, *, asked_at: datetime | None = None) -> bool:
    """Send nothing more with this key. False where it was suspended already.

    `asked_at` (the database's clock) guards a key that was changed since: it is not to blame.
    """
    active = CarrierAccount.objects.filter(id=account_id)
    if asked_at is not None:
        active = active.filter(changed_at__lte=asked_at)
    return _suspend(active, reason) > 0


def suspend_by_hand(account_ids: Collection[UUID]) -> int:
    """Send nothing more with these accounts, as staff wishes. Returns how many were active."""
    return _suspend(
        CarrierAccount.objects.filter(id__in=account_ids), "Suspended by operations staff.", changed_at=Now()
    )


def _suspend(accounts: QuerySet[CarrierAccount], reason: str, **changed: Now) -> int:
    """Those of them that are active, each with a warning: once, as it is the one that stopped it."""
    with transaction.atomic():
        found = _held(accounts.filter(state=CarrierAccount.State.ACTIVE))
        CarrierAccount.objects.filter(id__in=found).update(
            state=CarrierAccount.State.SUSPENDED, suspended_reason=reason, suspended_at=Now(), **changed
        )
        owe(Kind.SUSPENDED, found, reason)
    for account in found:
        logger.warning(
            "carrier account %s is suspended: %s", account, reason, extra={"carrier_account_id": account}
        )
    return len(found)


def _held(accounts: QuerySet[CarrierAccount]) -> list[UUID]:
    """Lock them, by id."""
    return list(accounts.select_for_update(no_key=True).order_by("id").values_list("id", flat=True))


def pause(account_id: UUID) -> bool:
    """Send nothing more with this account, as its merchant wishes. False where it is paused already."""
    going_on = CarrierAccount.objects.filter(id=account_id).exclude(state=CarrierAccount.State.PAUSED)
    paused = going_on.update(
        state=CarrierAccount.State.PAUSED, suspended_reason="", suspended_at=None, changed_at=Now()
    )
    return paused > 0


def resume(account_ids: Collection[UUID], *, paused_too: bool = False) -> int:
    """Take suspended accounts up again with the keys that they have. Returns how many it took up.

    What a merchant has paused is for the merchant to resume: then `paused_too`.
    """
    states = [CarrierAccount.State.SUSPENDED, *([CarrierAccount.State.PAUSED] if paused_too else [])]
    with transaction.atomic():
        found = _held(CarrierAccount.objects.filter(id__in=account_ids, state__in=states))
        CarrierAccount.objects.filter(id__in=found).update(
            state=CarrierAccount.State.ACTIVE, suspended_reason="", suspended_at=None, changed_at=Now()
        )
        owe(Kind.RESUMED, found)
    return len(found)


def rest(account_id: UUID, until: datetime, *, asked_at: datetime | None = None) -> bool:
    """Ask nothing with the key of this account until then, with no account. False where it rests as long.

    `asked_at` guards a key that was changed since, as in `suspend`: the day of the new one is its own.
    """
    asking = CarrierAccount.objects.filter(id=account_id)
    if asked_at is not None:
        asking = asking.filter(changed_at__lte=asked_at)
    of_key = Q(id__in=asking.values("id")) | Q(fingerprint__in=asking.values("fingerprint"))
    shorter = Q(resting_until=None) | Q(resting_until__lt=until)
    with transaction.atomic():
        found = _held(CarrierAccount.objects.filter(of_key, shorter))
        CarrierAccount.objects.filter(id__in=found).update(resting_until=until)
    return account_id in found


def replace_key(account: CarrierAccount, key: str) -> None:
    """Take a new key, which starts with a clean bill of health and a whole day. Saves the account.

    The same key again keeps the day that it has: its carrier has counted.
    """
    is_new = not _is_key_of(account.id, key)
    # First: where nothing opens the secret of fingerprints, this makes another one.
    fingerprint(account.courier, key)
    account.key = key
    account.state = CarrierAccount.State.ACTIVE
    account.suspended_reason = ""
    account.suspended_at = None
    account.resting_until = None
    account.changed_at = Now()
    with transaction.atomic():
        before, now = standings.locked([account.id])
        stopped = _held(CarrierAccount.objects.filter(id=account.id).exclude(state=account.state))
        counted = _is_counted_by_key(account.id)
        account.save()
        if not (is_new or counted):
            # The day that it keeps is not in the key's: `carriers.fingerprinting` takes it along.
            CarrierAccount.objects.filter(id=account.id).update(fingerprint=None)
        owe(Kind.RESUMED, stopped)
        standings.write({account.id: Standing()})
        if is_new and before and (day := today(account.courier, now)):
            start_anew(account.id, account.courier, day.date)
    account.refresh_from_db(fields=["changed_at"])


def _is_counted_by_key(account_id: UUID) -> bool:
    found = CarrierAccount.objects.filter(id=account_id).values_list("fingerprint", flat=True)
    return is_of_a_key(found.first())


def _is_key_of(account_id: UUID, key: str) -> bool:
    """One that cannot be decrypted any more may be the same: its carrier may have counted."""
    try:
        return CarrierAccount.objects.only("key").filter(id=account_id).get().key == key
    except InvalidToken:
        return True
    except CarrierAccount.DoesNotExist:
        return False


def house_account_without_key(courier: str) -> CarrierAccount:
    """The house account of a courier that asks for no key; made at its first use, once."""
    account, _ = CarrierAccount.objects.get_or_create(courier=courier, keyless=True, defaults={"key": ""})
    return account
