"""Trackers to be: the row and the first event that a create asks for, and what speaks against them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.errors import ApiError
from carriers.registry import adapter
from events.catalog import TrackerCreated
from events.log import Recorded
from trackers.fold import Projection, fold
from trackers.identity import digest_of
from trackers.models import Tracker
from trackers.projecting import apply_projection

Wishes = Mapping[str, Any]
_BESIDE_THE_ROW = frozenset({"given_recipient"})
#: Older shipments are refused, as Ship24 does.
OLDEST_SHIPMENT = timedelta(days=180)


def draft(merchant_id: UUID, wish: Wishes) -> Tracker:
    """The row as the fold of its first event. The real event's moment is not part of the projection."""
    fields = {name: value for name, value in wish.items() if name not in _BESIDE_THE_ROW}
    row = Tracker(id=uuid7(), merchant_id=merchant_id, digest=digest_of(wish), **fields)
    fact = first_fact(row)
    first = Recorded(uuid7(), row.id, 1, fact.type, fact.key, fact.data(), timezone.now())
    apply_projection(row, fold(Projection(), [first]))
    return row


def first_fact(tracker: Tracker) -> TrackerCreated:
    """What the log holds of a create."""
    return TrackerCreated(
        tracking_number=tracker.tracking_number,
        courier_code=tracker.courier_codes,
        shipment_reference=tracker.shipment_reference,
        client_tracker_id=tracker.client_tracker_id,
        origin_country_code=tracker.origin_country_code,
        destination_country_code=tracker.destination_country_code,
        destination_post_code=tracker.destination_post_code,
        shipping_date=tracker.shipping_date,
        courier_name=tracker.courier_name,
        tracking_url=tracker.tracking_url,
        order_number=tracker.order_number,
        title=tracker.title,
    )


def objection(tracker: Tracker) -> ApiError | None:
    """Why such a tracker cannot be followed: 400 `validation_error` or `shipping_date_outdated`, or None."""
    if not takes(tracker):
        named = ", ".join(tracker.courier_codes)
        return ApiError(400, "validation_error", f"trackingNumber: none of {named} has numbers of this form.")
    return objection_to_date(tracker.shipping_date)


def takes(tracker: Tracker) -> bool:
    """Whether some courier that was given has numbers of this form; where none was given, it may be."""
    given = tracker.courier_codes
    return not given or any(adapter(code).takes.fullmatch(tracker.tracking_number) for code in given)


def objection_to_date(shipping_date: str | None) -> ApiError | None:
    """400 where the shipment is too old to be followed."""
    if shipping_date is None or _moment(shipping_date) >= timezone.now() - OLDEST_SHIPMENT:
        return None
    return ApiError(400, "shipping_date_outdated", "shippingDate: it is more than 180 days ago.")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
