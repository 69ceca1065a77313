"""Watches that are due, many at once, without the way that creates them one by one."""

from datetime import timedelta

from django.utils import timezone
from uuid_utils.compat import uuid7

from carriers.models import CarrierAccount
from trackers.models import Tracker, Watch


def watch_many(
    account: CarrierAccount, count: int, urgency: int = 3, *, due: timedelta = timedelta(minutes=1)
) -> list[Watch]:
    """So many trackers of the account's merchant, each with one watch that has been due for so long."""
    assert account.merchant is not None
    now = timezone.now()
    trackers = [
        Tracker(
            merchant=account.merchant,
            tracking_number=f"HS{uuid7().hex[-12:].upper()}",
            courier_codes=[account.courier],
            digest=uuid7().hex,
            milestone="pending",
            state={},
        )
        for _ in range(count)
    ]
    Tracker.objects.bulk_create(trackers)
    return Watch.objects.bulk_create(
        Watch(
            tracker=tracker,
            merchant=account.merchant,
            courier=account.courier,
            carrier_account=account,
            urgency=urgency,
            next_poll_at=now - due - nth * timedelta(milliseconds=1),
        )
        for nth, tracker in enumerate(trackers)
    )
