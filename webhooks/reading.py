"""What a merchant may see: every question carries its id, so that another's rows are not there."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan

from accounts.errors import not_found
from webhooks.models import Delivery, Endpoint
from webhooks.places import Place
from webhooks.showing import Shown, shown


def endpoint_of(merchant_id: UUID, endpoint_id: UUID) -> Shown:
    """The merchant's endpoint. Raises ApiError 404 `webhook_not_found`."""
    found = shown(Endpoint.objects.filter(merchant_id=merchant_id, id=endpoint_id, deleted_at=None))
    if not found:
        raise unknown_webhook()
    return found[0]


def endpoints_of(merchant_id: UUID, *, limit: int, after: UUID | None) -> tuple[list[Shown], UUID | None]:
    """A page of the merchant's endpoints, newest first, and the cursor of the next one."""
    found = Endpoint.objects.filter(merchant_id=merchant_id, deleted_at=None).order_by("-id")
    if after:
        found = found.filter(id__lt=after)
    rows = shown(found[: limit + 1])
    return rows[:limit], rows[limit - 1].endpoint.id if len(rows) > limit else None


def delivery_of(merchant_id: UUID, delivery_id: UUID) -> Delivery:
    """The merchant's delivery, of a deleted endpoint too. Raises ApiError 404 `delivery_not_found`."""
    found = Delivery.objects.select_related("message").filter(
        id=delivery_id, endpoint__merchant_id=merchant_id
    )
    if not found:
        raise not_found("delivery_not_found", "Delivery not found.")
    return found[0]


def deliveries_of(
    endpoint: Endpoint, *, limit: int, after: Place | None, **wanted: Any
) -> tuple[list[Delivery], Place | None]:
    """A page of an endpoint's deliveries, newest first, and the cursor of the next one."""
    found = Delivery.objects.select_related("message").defer("message__body")
    found = found.filter(endpoint=endpoint, **_conditions(wanted)).order_by("-created_at", "-id")
    if after:
        found = found.filter(TupleLessThan(Tuple("created_at", "id"), (after.created_at, after.id)))
    rows = list(found[: limit + 1])
    return rows[:limit], Place.of(rows[limit - 1]) if len(rows) > limit else None


def unknown_webhook() -> Exception:
    """404: nobody can tell an endpoint that never was from another merchant's."""
    return not_found("webhook_not_found", "Webhook not found.")


def _conditions(wanted: Mapping[str, Any]) -> dict[str, Any]:
    columns = {
        "state": "state",
        "since": "created_at__gte",
        "until": "created_at__lt",
        "message": "message_id",
    }
    return {columns[name]: value for name, value in wanted.items() if value is not None}
