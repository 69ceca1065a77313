"""Carrier accounts: which couriers a merchant reaches, and the health of a key."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from carriers.adapter import Credentials
from carriers.models import CarrierAccount
from carriers.registry import adapter, adapters


def reachable(merchant_id: UUID) -> set[str]:
    """Codes of the couriers that a merchant can ask: with its own account or the house's, or without any."""
    free = {code for code, one in adapters().items() if not one.needs_account}
    held = CarrierAccount.objects.filter(
        Q(merchant=merchant_id) | Q(merchant=None), state=CarrierAccount.State.ACTIVE
    )
    return free | (set(held.values_list("courier", flat=True).distinct()) & adapters().keys())


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
    active = CarrierAccount.objects.filter(id=account_id, state=CarrierAccount.State.ACTIVE)
    if asked_at is not None:
        active = active.filter(changed_at__lte=asked_at)
    suspended = active.update(
        state=CarrierAccount.State.SUSPENDED, suspended_reason=reason, suspended_at=Now()
    )
    return suspended > 0


def rest(account_id: UUID, until: datetime) -> bool:
    """Ask nothing with this key until then. False where it rests as long already."""
    shorter = Q(resting_until=None) | Q(resting_until__lt=until)
    return CarrierAccount.objects.filter(shorter, id=account_id).update(resting_until=until) > 0


def replace_key(account: CarrierAccount, key: str) -> None:
    """Take a new key, which starts with a clean bill of health. Saves the account."""
    account.key = key
    account.state = CarrierAccount.State.ACTIVE
    account.suspended_reason = ""
    account.suspended_at = None
    account.resting_until = None
    account.changed_at = Now()
    account.save()
    account.refresh_from_db(fields=["changed_at"])


def house_account_without_key(courier: str) -> CarrierAccount:
    """The house account of a courier that asks for no key; made at its first use, once."""
    account, _ = CarrierAccount.objects.get_or_create(courier=courier, keyless=True, defaults={"key": ""})
    return account
