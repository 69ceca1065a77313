"""What happened to merchants' carrier accounts, told: the rows that carriers.news owes, to log and messages.

An account is told suspended, then resumed, in turns: one that was only paused and taken up again is no news.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from uuid_utils.compat import uuid7

from carriers.facts import CarrierAccountResumed, CarrierAccountSuspended
from carriers.models import AccountNews, CarrierAccount
from events.catalog import Fact
from events.log import NewEvent, Recorded, append, event_of
from events.models import Event
from events.retrying import apart
from events.writing import written
from webhooks import tasks as webhook_tasks
from webhooks.fanout import Announcement, announce, subscribers

#: Accounts whose news one transaction tells.
BATCH = 100
_TYPES = {
    AccountNews.Kind.SUSPENDED.value: CarrierAccountSuspended.type,
    AccountNews.Kind.RESUMED.value: CarrierAccountResumed.type,
}


def tell() -> None:
    """Tell all that is owed, a merchant at a time; what the database refuses is told by the next sweep."""
    owed = AccountNews.objects.order_by().values_list("account__merchant", flat=True).distinct()
    for merchant_id in list(owed):
        if merchant_id is not None:
            apart(partial(_tell, merchant_id))


@transaction.atomic
def _tell(merchant_id: UUID) -> None:
    """Each once: whoever tells holds the account's row, and what is told is deleted with the telling."""
    tell_of(merchant_id, _held(merchant_id))


def tell_of(merchant_id: UUID, couriers: Mapping[UUID, str]) -> None:
    """Tell what is owed of these accounts of a merchant, by their couriers.

    In the caller's transaction, which holds the accounts' rows.
    """
    owed = list(AccountNews.objects.filter(account__in=couriers).order_by("id"))
    if not owed:
        return
    told = subscribers([merchant_id])
    recorded = append(merchant_id, _events(owed, couriers))
    announce(merchant_id, told, [_announcement(one, couriers[one.stream]) for one in recorded])
    AccountNews.objects.filter(id__in=[one.id for one in owed]).delete()
    transaction.on_commit(webhook_tasks.nudge, robust=True)


def _held(merchant_id: UUID) -> dict[UUID, str]:
    """Lock the merchant's accounts of which something is owed; by id, the courier."""
    owing: QuerySet[CarrierAccount] = CarrierAccount.objects.filter(
        Exists(AccountNews.objects.filter(account=OuterRef("id"))), merchant_id=merchant_id
    )
    held = owing.select_for_update(no_key=True).order_by("id")
    return dict(held.values_list("id", "courier")[:BATCH])


def _events(owed: Sequence[AccountNews], couriers: Mapping[UUID, str]) -> list[NewEvent]:
    """In the order in which it happened; what says once more what was told last is left out."""
    last = {stream: (version, kind) for stream, version, kind in _last(list(couriers))}
    events = []
    for one in owed:
        version, kind = last.get(one.account_id, (0, CarrierAccountResumed.type))
        fact = _fact(one, couriers[one.account_id])
        if fact.type != kind:
            events.append(event_of(one.account_id, version + 1, fact))
            last[one.account_id] = (version + 1, fact.type)
    return events


def _last(streams: Sequence[UUID]) -> QuerySet[Event, tuple[UUID, int, str]]:
    newest = Event.objects.filter(stream__in=streams, type__in=_TYPES.values()).order_by("stream", "-version")
    return newest.distinct("stream").values_list("stream", "version", "type")


def _fact(one: AccountNews, courier: str) -> Fact:
    account, at = str(one.account_id), written(one.happened_at) or ""
    if one.kind == AccountNews.Kind.SUSPENDED:
        return CarrierAccountSuspended(
            carrier_account_id=account, courier_code=courier, reason=one.reason, happened_at=at, _news=one.id
        )
    return CarrierAccountResumed(
        carrier_account_id=account, courier_code=courier, happened_at=at, _news=one.id
    )


def _announcement(recorded: Recorded, courier: str) -> Announcement:
    return Announcement(
        id=uuid7(),
        type=recorded.type,
        stream=recorded.stream,
        sequence=recorded.version,
        couriers=(courier,),
        render=partial(_body, recorded),
    )


def _body(recorded: Recorded) -> bytes:
    body = {"type": recorded.type, "timestamp": written(recorded.recorded_at), "data": recorded.data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
