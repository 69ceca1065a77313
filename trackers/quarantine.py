"""Scans of another parcel: carriers give a number out again, and go on showing what it was used for before.

A scan that stands more than `TOLERANCE` before the day on which the merchant says it shipped is recorded, and
counts for nothing. A tracker without a shipping date has no such scans. Pure.
"""

from datetime import UTC, datetime, timedelta

from carriers.snapshot import Snapshot
from trackers.placing import placed_at

#: A merchant's day and a carrier's may differ by a zone, and a parcel may be fetched the day before.
TOLERANCE = timedelta(days=2)
#: Sorts before every moment: then nothing is too old.
NO_DATE = ""


def oldest_of(shipping_date: str | None) -> str:
    """The oldest moment that a scan of this shipment has, in the form of `placedAt`.

    `shipping_date` is ISO 8601: a day, or a day and time, in UTC where there is no offset.
    """
    if shipping_date is None:
        return NO_DATE
    shipped = datetime.fromisoformat(shipping_date)
    try:
        oldest = (shipped if shipped.tzinfo else shipped.replace(tzinfo=UTC)) - TOLERANCE
        return placed_at(oldest)
    except OverflowError:  # in the first hours that there are
        return NO_DATE


def is_anothers(snapshot: Snapshot, oldest: str) -> bool:
    """Whether an answer tells of another parcel alone: then its estimate and its recipient are another's too.

    One without scans is not known to.
    """
    told = [scan.placed for scan in snapshot.scans]
    return bool(oldest and told) and all(at is not None and placed_at(at) < oldest for at in told)
