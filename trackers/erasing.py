"""What is personal about a parcel goes, and none is kept from then on; the parcel is followed as before."""

from functools import partial
from uuid import UUID

from django.db import transaction

from accounts import idempotency
from accounts.errors import not_found
from events.catalog import TrackerErased
from events.conflicts import or_conflict
from events.retrying import once_more
from trackers.models import PersonalData, RawAnswer, Tracker
from trackers.noting import note
from trackers.projecting import write_projections
from trackers.searching import parcel_id
from trackers.watching import couriers_by_tracker, locked
from webhooks import erasing

#: The calls that erase; what they answer holds nothing personal, and is kept.
ROUTE = "POST trackers/{}/erase"


def erase(merchant_id: UUID, tracker_id: UUID) -> None:
    """Erase names, addresses, signature and pictures, what carriers said, and whatever may repeat any of it.

    Kept answers to the merchant's calls, also to searches for the number, go as well, and what subscribers
    answered. Doing it again erases again, and tells nothing. Raises ApiError: 404 `tracker_not_found`, 409
    `request_conflict`.
    """
    or_conflict(partial(_erase, merchant_id, tracker_id))


def _erase(merchant_id: UUID, tracker_id: UUID) -> None:
    with transaction.atomic():
        mine = Tracker.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id)
        tracker = mine.filter(id=tracker_id).first()
        if tracker is None:
            raise not_found("tracker_not_found", "Tracker not found.")
        erasing.hold(merchant_id)
        watches = locked([tracker.id])
        RawAnswer.objects.filter(watch__in=watches).delete()
        PersonalData.objects.filter(tracker=tracker).delete()
        erasing.forget_answers(merchant_id, [tracker.id])
        if tracker.erased_at is None:
            note(merchant_id, [(tracker, [TrackerErased()])], couriers_by_tracker(watches))
            write_projections([tracker])
        forget = partial(idempotency.erase, merchant_id, told_of(tracker), sparing=ROUTE)
        forget()
        transaction.on_commit(partial(once_more, forget))


def told_of(tracker: Tracker) -> list[UUID]:
    """The ids by which answers tell of this parcel: the tracker's, and what a search for its number shows."""
    return [tracker.id, parcel_id(tracker.merchant_id, tracker.tracking_number)]
