"""Create a tracker and wait a little for what its carriers say: `POST /v1/trackers/track`."""

from uuid import UUID

from django.db import connection

from accounts.errors import ApiError
from events.models import Event
from trackers import waiting
from trackers.creating import create_one
from trackers.drafting import Wishes
from trackers.identity import digest_of
from trackers.models import Tracker
from trackers.storing import COURIER

# A watch that nobody can ask at present is not waited for: it has no account, or one that is suspended or
# rests. Scans may come by a push, before the first poll.
_AWAITED = f"""
SELECT EXISTS (
    SELECT FROM trackers_watch AS watch
    JOIN carriers_carrieraccount AS account ON account.id = watch.carrier_account_id
    JOIN trackers_tracker AS tracker ON tracker.id = watch.tracker_id
    WHERE watch.tracker_id = %s AND watch.last_polled_at IS NULL AND watch.next_poll_at IS NOT NULL
      AND account.state = 'active'
      AND (account.resting_until IS NULL OR account.resting_until <= statement_timestamp())
      AND NOT EXISTS (
          SELECT FROM jsonb_array_elements(tracker.state->'scans') AS scan
          WHERE coalesce(scan->>{COURIER}, scan->>'courierCode') = watch.courier
      )
)
"""  # noqa: S608 (a constant only)


def track(merchant_id: UUID, wishes: Wishes) -> UUID:
    """The id of the tracker that this payload has. Only the call that creates it waits for the carriers.

    It waits for TRACK_WAIT seconds at most, and not at all where a quarter of the threads wait already; what
    is not there by then is polled in the background. Raises ApiError as `creating.create_one` does, and 400
    `tracker_conflict` where only the couriers differ from another tracker's, and some are the same.
    """
    _refuse_overlapping(merchant_id, wishes)
    made = create_one(merchant_id, wishes)
    if not made.existed:
        _wait_for(made.tracker.id)
    return made.tracker.id


def _wait_for(tracker_id: UUID) -> None:
    ends = waiting.deadline()
    with waiting.room.place() as given:
        if given:
            waiting.until(lambda: not _awaited(tracker_id), ends)


def _awaited(tracker_id: UUID) -> bool:
    """Whether a courier of it was not asked yet and will be."""
    with connection.cursor() as cursor:
        cursor.execute(_AWAITED, [tracker_id])
        awaited: bool = cursor.fetchone()[0]
    return awaited


def _refuse_overlapping(merchant_id: UUID, wishes: Wishes) -> None:
    """Payloads are compared as they were first sent: so does the identity of a create."""
    couriers = set(wishes["courier_codes"])
    if not couriers:
        return
    others = dict(
        Tracker.objects.filter(
            merchant_id=merchant_id, tracking_number=wishes["tracking_number"], is_subscribed=True
        ).values_list("id", "digest")
    )
    if digest_of(wishes) in others.values():
        return
    created = Event.objects.filter(stream__in=others, version=1).values_list("stream", "data__courierCode")
    for tracker_id, codes in created:
        alike = digest_of({**wishes, "courier_codes": codes}) == others[tracker_id]
        if alike and couriers.intersection(codes):
            raise ApiError(
                400,
                "tracker_conflict",
                "courierCode: it overlaps with that of a tracker that differs in nothing else.",
            )
