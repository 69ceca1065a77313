"""Trackers of one merchant, found for answers: the merchant is part of every query."""

from enum import StrEnum
from uuid import UUID

from django.db.models import QuerySet

from accounts.errors import not_found
from trackers.models import Tracker


class SearchBy(StrEnum):
    """What the id in a path is."""

    TRACKER_ID = "trackerId"
    CLIENT_TRACKER_ID = "clientTrackerId"


def tracker_of(merchant_id: UUID, given: str, by: SearchBy = SearchBy.TRACKER_ID) -> Tracker:
    """One tracker with its watches, by its id or by the merchant's own.

    Of several trackers that had one `clientTrackerId` in turn, it is the subscribed one, else the newest.
    Raises ApiError 404 `tracker_not_found`, also for another merchant's.
    """
    mine = _with_watches(merchant_id)
    if by is SearchBy.CLIENT_TRACKER_ID:
        of_name = mine.filter(client_tracker_id=given) if storable(given) else mine.none()
        found = of_name.order_by("-is_subscribed", "-created_at", "-id").first()
    else:
        found = mine.filter(id=id_).first() if (id_ := uuid_of(given)) else None
    if found is None:
        raise not_found("tracker_not_found", "Tracker not found.")
    return found


def uuid_of(text: str) -> UUID | None:
    """The id that a path holds; None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def storable(text: str) -> bool:
    """Whether PostgreSQL could hold this text at all."""
    return "\x00" not in text


def _with_watches(merchant_id: UUID) -> QuerySet[Tracker]:
    return Tracker.objects.filter(merchant_id=merchant_id).prefetch_related("watches")
