"""A merchant's carrier accounts: found, added, changed and given up. The merchant is in every query."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from uuid_utils.compat import uuid7

from accounts.errors import ApiError, not_found
from accounts.models import Merchant
from accounts.staying import stay
from carriers import accounts
from carriers.conditions import with_health
from carriers.models import CarrierAccount, Health
from events.conflicts import or_conflict
from trackers import tasks
from trackers.carrier_accounts.telling import tell_of

#: Accounts that one merchant may have.
MOST = 100
#: What no answer shows; a key that nothing decrypts must not hide its account either.
SECRETS = ("key", "push_secret")

# A poll under way loses its claim: whoever asks next may ask with another account, and must not be blamed for
# what this one hears.
_SET_FREE = """
WITH held AS MATERIALIZED (
    SELECT id FROM trackers_watch WHERE carrier_account_id = %s ORDER BY id FOR NO KEY UPDATE
)
UPDATE trackers_watch AS watch
SET carrier_account_id = NULL, assigned_at = 'epoch', claim_id = NULL, claimed_until = NULL,
    last_outcome = CASE WHEN next_poll_at IS NULL THEN last_outcome ELSE 'no_carrier_account' END
FROM held WHERE watch.id = held.id
"""


def account_of(merchant_id: UUID, account_id: UUID) -> CarrierAccount:
    """The merchant's account, without its secrets. Raises ApiError 404 `carrier_account_not_found`."""
    return _one(_shown(merchant_id), account_id)


def accounts_of(
    merchant_id: UUID, *, limit: int, after: UUID | None
) -> tuple[list[CarrierAccount], UUID | None]:
    """A page of the merchant's accounts, newest first, and the cursor of the next one."""
    found = _shown(merchant_id).order_by("-id")
    if after:
        found = found.filter(id__lt=after)
    rows = list(found[: limit + 1])
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def add(merchant_id: UUID, wishes: Mapping[str, Any]) -> CarrierAccount:
    """Take a key into use.

    Raises ApiError: 403 `quota_limit_reached` beyond MOST, 401 where the merchant is deleted.
    """
    account_id = uuid7()
    or_conflict(partial(_add, merchant_id, account_id, wishes))
    return account_of(merchant_id, account_id)


def _add(merchant_id: UUID, account_id: UUID, wishes: Mapping[str, Any]) -> None:
    """The account has its id beforehand, so that this may be repeated."""
    with transaction.atomic():
        stay(merchant_id)
        Merchant.objects.select_for_update(no_key=True).only("id").get(id=merchant_id)
        others = CarrierAccount.objects.filter(merchant_id=merchant_id).exclude(id=account_id)
        if others.count() >= MOST:
            raise ApiError(
                403, "quota_limit_reached", f"There are {MOST} carrier accounts; more are refused."
            )
        CarrierAccount.objects.get_or_create(id=account_id, merchant_id=merchant_id, defaults=wishes)
        transaction.on_commit(tasks.nudge_accounts, robust=True)


def replace_key(merchant_id: UUID, account_id: UUID, key: str, **push_secret: str | None) -> CarrierAccount:
    """Take a new key, and a `push_secret` where one is given; the account is asked with again."""
    or_conflict(partial(_replace_key, merchant_id, account_id, key, **push_secret))
    return account_of(merchant_id, account_id)


def _replace_key(merchant_id: UUID, account_id: UUID, key: str, **push_secret: str | None) -> None:
    with transaction.atomic():
        _hold_health(account_of(merchant_id, account_id))
        account = _one(_own(merchant_id).select_for_update(no_key=True), account_id)
        for name, secret in push_secret.items():
            setattr(account, name, secret)
        accounts.replace_key(account, key)
        transaction.on_commit(tasks.nudge_accounts, robust=True)


def pause(merchant_id: UUID, account_id: UUID) -> CarrierAccount:
    """Send nothing more with it until it is resumed."""
    account_of(merchant_id, account_id)
    if or_conflict(partial(accounts.pause, account_id)):
        transaction.on_commit(tasks.nudge_accounts, robust=True)
    return account_of(merchant_id, account_id)


def resume(merchant_id: UUID, account_id: UUID) -> CarrierAccount:
    """Ask with it again, paused or suspended, with the key that it has."""
    account_of(merchant_id, account_id)
    if or_conflict(partial(accounts.resume, [account_id], paused_too=True)):
        transaction.on_commit(tasks.nudge_accounts, robust=True)
    return account_of(merchant_id, account_id)


def give_up(merchant_id: UUID, account_id: UUID) -> None:
    """Delete the account. Its watches are free at once: another account takes them, or they wait for one."""
    or_conflict(partial(_give_up, merchant_id, account_id))


def _give_up(merchant_id: UUID, account_id: UUID) -> None:
    with transaction.atomic():
        _hold_health(account_of(merchant_id, account_id))
        # Against whoever is giving it a watch (trackers.assignment): then that watch is seen below.
        account = _one(_own(merchant_id).select_for_update(), account_id)
        with connection.cursor() as cursor:
            cursor.execute(_SET_FREE, [account_id])
        tell_of(merchant_id, {account_id: account.courier})
        account.delete()
        transaction.on_commit(tasks.nudge_accounts, robust=True)


def _hold_health(account: CarrierAccount) -> None:
    """Before the account itself, as those do that claim polls of it and then count them."""
    list(Health.objects.select_for_update().filter(account=account).values_list("pk"))


def _own(merchant_id: UUID) -> QuerySet[CarrierAccount]:
    return CarrierAccount.objects.filter(merchant_id=merchant_id).defer(*SECRETS)


def _shown(merchant_id: UUID) -> QuerySet[CarrierAccount]:
    """With what answers say of their health."""
    return with_health(_own(merchant_id))


def _one(accounts_: QuerySet[CarrierAccount], account_id: UUID) -> CarrierAccount:
    """Nobody can tell an account that never was from another merchant's or the house's."""
    found = accounts_.filter(id=account_id).first()
    if found is None:
        raise not_found("carrier_account_not_found", "Carrier account not found.")
    return found
