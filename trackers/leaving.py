"""A merchant leaves: all that is its own goes, in batches; the log keeps its skeleton, the row its id."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce, Now

from accounts.models import ApiKey, IdempotencyKey, Merchant, PageLogo
from carriers.models import CarrierAccount
from events.retrying import once_more
from trackers.choosing import Chosen, in_batches
from trackers.deleting import remove
from trackers.models import Tracker
from trackers.watching import close, locked
from webhooks.models import Endpoint, Notice, Recovery, Tally

#: What is left of its name.
NAMELESS = "deleted merchant"
#: Rows that one statement deletes.
BATCH = 1_000

# Statements of their own: what a try wrote while its delivery was being locked is seen by the next one. A
# message is kept for its deliveries alone, and goes with the last of them.
_LOCK = """
SELECT delivery.id, delivery.message_id FROM webhooks_delivery AS delivery
JOIN webhooks_endpoint AS endpoint ON endpoint.id = delivery.endpoint_id
WHERE endpoint.merchant_id = %s LIMIT %s FOR UPDATE OF delivery
"""
_DELETE = (
    "DELETE FROM webhooks_attempt WHERE delivery_id = ANY(%(deliveries)s)",
    "DELETE FROM webhooks_extratry WHERE delivery_id = ANY(%(deliveries)s)",
    "DELETE FROM webhooks_delivery WHERE id = ANY(%(deliveries)s)",
    """
    DELETE FROM webhooks_message AS message WHERE id = ANY(%(messages)s)
    AND NOT EXISTS (SELECT FROM webhooks_delivery WHERE message_id = message.id)
    """,
)


def leave(merchant_id: UUID) -> Iterator[tuple[str, int]]:
    """Delete the merchant but for its log; yields what was deleted, and how many, as it goes.

    It may be killed at any moment and be run again: first of all nothing new comes in, then each batch is a
    transaction. Raises Merchant.DoesNotExist.
    """
    _shut(merchant_id)
    steps: dict[str, Callable[[UUID], int]] = {
        "trackers": _trackers,
        "deliveries": _deliveries,
        "tallies": lambda merchant: _some(Tally.objects.filter(endpoint__merchant_id=merchant)),
        "recoveries": lambda merchant: _some(Recovery.objects.filter(endpoint__merchant_id=merchant)),
        "notices": lambda merchant: _some(Notice.objects.filter(endpoint__merchant_id=merchant)),
        "endpoints": lambda merchant: _some(Endpoint.objects.filter(merchant_id=merchant)),
        "carrier accounts": lambda merchant: _some(CarrierAccount.objects.filter(merchant_id=merchant)),
        "idempotency keys": lambda merchant: _some(IdempotencyKey.objects.filter(merchant_id=merchant)),
        "API keys": lambda merchant: _some(ApiKey.objects.filter(merchant_id=merchant)),
    }
    for name, step in steps.items():
        while gone := once_more(partial(step, merchant_id)):
            yield name, gone


def _shut(merchant_id: UUID) -> None:
    """No key opens anything any more, nothing is sent, and staff's own notes forget the name.

    Creates that hold the merchant's row are waited for.
    """
    with transaction.atomic():
        merchant = Merchant.objects.select_for_update().get(id=merchant_id)
        ApiKey.objects.filter(merchant=merchant).update(revoked_at=Coalesce("revoked_at", Now()))
        Merchant.objects.filter(id=merchant_id).update(
            name=NAMELESS,
            contact_email="",
            page_name="",
            page_colour="",
            deleted_at=Coalesce("deleted_at", Now()),
        )
        PageLogo.objects.filter(merchant=merchant).delete()
        _forget(merchant_id)
    Endpoint.objects.filter(merchant_id=merchant_id).update(deleted_at=Coalesce("deleted_at", Now()))


def _forget(merchant_id: UUID) -> None:
    """The admin notes what staff changed, by names that these rows had."""
    own = [merchant_id]
    for kept in (ApiKey, CarrierAccount, Endpoint):
        own += kept.objects.filter(merchant_id=merchant_id).values_list("id", flat=True)
    notes = LogEntry.objects.filter(object_id__in=[str(id_) for id_ in own])
    notes.update(object_repr=f"of a {NAMELESS}", change_message="")


def _trackers(merchant_id: UUID) -> int:
    mine = Tracker.objects.filter(merchant_id=merchant_id)
    return in_batches(Chosen(merchant_id, mine), _remove).changed


def _remove(choice: Chosen) -> int:
    with transaction.atomic():
        rows = choice.trackers.select_for_update(of=("self",)).order_by("id")
        trackers = list(rows.values_list("id", flat=True))
        watches = locked(trackers)
        close(watches)
        remove(trackers, watches)
    return len(trackers)


def _deliveries(merchant_id: UUID) -> int:
    """A batch, and the messages of which it was the last. Two runs at once wait for each other."""
    with transaction.atomic(), connection.cursor() as cursor:
        Merchant.objects.select_for_update(no_key=True).only("id").get(id=merchant_id)
        cursor.execute(_LOCK, [merchant_id, BATCH])
        found = cursor.fetchall()
        values = {"deliveries": [row[0] for row in found], "messages": [row[1] for row in found]}
        for statement in _DELETE if found else ():
            cursor.execute(statement, values)
    return len(found)


def _some(rows: QuerySet[Any]) -> int:
    """Delete a batch of these rows, and what hangs on them. What they hold may be unreadable by now."""
    batch = list(rows.values_list("pk", flat=True)[:BATCH])
    rows.filter(pk__in=batch).only("pk").delete()
    return len(batch)
