"""Trackers of one merchant, found for answers: the merchant is part of every query."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.errors import not_found
from trackers.models import PersonalData, Tracker


def tracker_of(merchant_id: UUID, tracker_id: str) -> Tracker:
    """One tracker with its watches. Raises ApiError 404 `tracker_not_found`, also for another merchant's."""
    try:
        found = _with_watches(merchant_id).filter(id=UUID(tracker_id)).first()
    except ValueError:
        found = None
    if found is None:
        raise not_found("tracker_not_found", "Tracker not found.")
    return found


def page_of(merchant_id: UUID, *, page: int, limit: int, sort: str) -> list[Tracker]:
    """A page of the list by creation, oldest first where `sort` is "1"; two statements."""
    order = ("created_at", "id") if sort == "1" else ("-created_at", "-id")
    first = (page - 1) * limit
    return list(_with_watches(merchant_id).defer("state").order_by(*order)[first : first + limit])


def personal_data_of(tracker: Tracker) -> PersonalData | None:
    """What is personal about a tracker, or None."""
    return PersonalData.objects.filter(tracker=tracker).first()


def _with_watches(merchant_id: UUID) -> QuerySet[Tracker]:
    return Tracker.objects.filter(merchant_id=merchant_id).prefetch_related("watches")
