"""Polls that end after their tracker was stopped: what they may have made at a carrier is ended there."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from carriers.closing import close_later
from carriers.registry import closing
from trackers.claims import Claim
from trackers.models import Tracker


def close_outlived(claims: Iterable[Claim]) -> None:
    """Owe the end of what these polls began, where the tracker is followed no more or is gone.

    The stop owed it already, but its call may have come before the poll's. One statement while all is well,
    none for couriers that keep nothing open.
    """
    couriers = closing()
    began = {one.tracker: one for one in claims if one.tracked and one.courier in couriers}
    if not began or len(_followed(began)) == len(began):
        return
    with transaction.atomic():
        held = Tracker.objects.select_for_update(no_key=True).filter(id__in=began)
        followed = {
            one.id for one in held.only("is_subscribed", "stop_reason").order_by("id") if one.is_tracked
        }
        outlived = [one for tracker, one in began.items() if tracker not in followed]
        close_later([(one.account, one.courier, one.tracker) for one in outlived])


def _followed(trackers: Iterable[UUID]) -> list[UUID]:
    found = Tracker.objects.filter(id__in=trackers, is_subscribed=True, stop_reason=None)
    return list(found.values_list("id", flat=True))
