"""What a merchant decides about its trackers, put into the log: appended, folded into the rows, told."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from uuid_utils.compat import uuid7

from events import log
from events.catalog import Fact
from events.log import Recorded
from trackers.fold import fold
from trackers.messages import Telling, announcement
from trackers.models import Tracker
from trackers.projecting import apply_projection, projection_of
from webhooks import tasks as webhook_tasks
from webhooks.fanout import Announcement, announce, subscribers


def note(
    merchant_id: UUID,
    decided: Sequence[tuple[Tracker, Sequence[Fact]]],
    watched: Mapping[UUID, Collection[str]],
) -> None:
    """Append these facts and tell of them, one message a tracker; a constant number of statements.

    The caller holds the rows' locks, has set the merchant's wishes on them, and saves them: their projections
    are only set here. `watched`: the couriers of each, before or after.
    """
    told = {tracker.id: facts for tracker, facts in decided if facts}
    trackers = [tracker for tracker, _ in decided if tracker.id in told]
    audience = subscribers([merchant_id])
    recorded = log.append(
        merchant_id,
        [
            log.event_of(one.id, one.version + nth, fact)
            for one in trackers
            for nth, fact in enumerate(told[one.id], start=1)
        ],
    )
    by_stream: dict[UUID, list[Recorded]] = {}
    for event in recorded:
        by_stream.setdefault(event.stream, []).append(event)
    news = [_project(one, by_stream[one.id], watched=watched.get(one.id, ())) for one in trackers]
    if announce(merchant_id, audience, news):
        transaction.on_commit(webhook_tasks.nudge, robust=True)


def _project(tracker: Tracker, events: Sequence[Recorded], *, watched: Collection[str]) -> Announcement:
    before = projection_of(tracker)
    apply_projection(tracker, fold(before, events))
    couriers = {*watched, *tracker.courier_codes, *tracker.state["shipments"]}
    couriers |= {scan["courierCode"] for scan in tracker.state["scans"]}
    return announcement(
        Telling(
            id=uuid7(),
            tracker=tracker,
            before=before,
            types=frozenset(event.type for event in events),
            at=events[0].recorded_at,
            couriers=tuple(sorted(couriers)),
        )
    )
