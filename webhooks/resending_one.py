"""One delivery, sent once more by hand."""

from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from django.db import connection, transaction

from accounts.errors import ApiError, not_found
from events.conflicts import or_conflict
from webhooks import tasks
from webhooks.ages import age_of
from webhooks.extra import ask
from webhooks.models import Delivery, Trigger
from webhooks.retention import kept

# A merchant that leaves waits for this, or has deleted it.
_HOLD = """
SELECT d.id FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
WHERE d.id = %s AND e.merchant_id = %s AND e.deleted_at IS NULL FOR KEY SHARE OF d
"""


def resend_one(merchant_id: UUID, delivery_id: UUID) -> Delivery:
    """Have this delivery tried once more, whatever its state and its endpoint's, besides its schedule.

    While such a try is owed already, nothing more is. Raises ApiError 404 `delivery_not_found`, also of a
    deleted endpoint; 410 `delivery_gone` for one that would be older than what is kept; 409
    `request_conflict`.
    """
    return or_conflict(partial(_resend_one, merchant_id, delivery_id))


def _resend_one(merchant_id: UUID, delivery_id: UUID) -> Delivery:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_HOLD, [delivery_id, merchant_id])
            if cursor.fetchone() is None:
                raise _missing(delivery_id)
        ask(delivery_id, Trigger.MANUAL)
        transaction.on_commit(tasks.nudge, robust=True)
        return Delivery.objects.select_related("message").defer("message__body").get(id=delivery_id)


def _missing(delivery_id: UUID) -> ApiError:
    """Told from the id alone, so that nobody can tell what was another merchant's from what never was."""
    age = age_of(delivery_id, datetime.now(UTC))
    if age is not None and age > kept().total_seconds():
        return ApiError(410, "delivery_gone", "This delivery is older than what is kept.")
    return not_found("delivery_not_found", "Delivery not found.")
