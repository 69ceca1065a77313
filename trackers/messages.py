"""What subscribers hear of one append: its type, and the body that every try of it sends."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from events.catalog import (
    ScanAmended,
    Scanned,
    ScanWithdrawn,
    ShipmentUpdated,
    TrackerCreated,
    TrackerErased,
    TrackerRestarted,
    TrackerStopped,
    TrackerUpdated,
    TrackingStalled,
)
from events.writing import rendered, written
from trackers.fold import Projection
from trackers.held import Held
from trackers.models import Tracker
from trackers.presentation import message_shape
from webhooks.fanout import Announcement

_NEWS = frozenset({Scanned.type, ShipmentUpdated.type})
_CORRECTIONS = frozenset({ScanAmended.type, ScanWithdrawn.type})
#: Of an append that holds several, the first of these is the message's type.
_OF_THEIR_OWN = (
    TrackerCreated.type,
    TrackerErased.type,
    TrackerStopped.type,
    TrackerRestarted.type,
    TrackerUpdated.type,
    TrackingStalled.type,
)


@dataclass(frozen=True, slots=True)
class Telling:
    """One append to one tracker: the row after it, the projection before it, the scans it touched."""

    id: UUID
    tracker: Tracker | Held
    before: Projection
    types: frozenset[str]
    at: datetime
    couriers: tuple[str, ...]
    scan_keys: frozenset[str] = frozenset()
    withdrawn: frozenset[str] = frozenset()


def announcement(told: Telling) -> Announcement:
    """The message of this append. Its body is rendered only if somebody listens."""
    kind = message_type(told.types, told.before.milestone, told.tracker.milestone)
    return Announcement(
        id=told.id,
        type=kind,
        stream=told.tracker.id,
        sequence=told.tracker.version,
        couriers=told.couriers,
        render=_renderer(told, kind),
        answers_kept=told.tracker.erased_at is None,
    )


def message_type(types: frozenset[str], before: str, after: str) -> str:
    """`tracking.<milestone>` when it moved; else what kind of news it is."""
    for own in _OF_THEIR_OWN:
        if own in types:
            return own
    if after != before:
        return f"tracking.{after}"
    if types & _NEWS or not types & _CORRECTIONS:
        return "tracking.updated"
    return "tracking.corrected"


def _renderer(told: Telling, kind: str) -> Callable[[], bytes]:
    return partial(_body, told, kind)


def _body(told: Telling, kind: str) -> bytes:
    at = written(told.at)
    metadata = {
        "generatedAt": at,
        "messageId": str(told.id),
        "topic": "tracking/events",
        "sequence": told.tracker.version,
        "previousSequence": told.before.last_message_sequence,
        "previousMilestone": told.before.milestone if told.before.version else None,
    }
    tracking = message_shape(
        told.tracker,
        metadata=metadata,
        scan_keys=told.scan_keys,
        withdrawn_event_ids=told.withdrawn,
    )
    body: dict[str, Any] = {"type": kind, "timestamp": at, "trackings": [tracking]}
    return rendered(body)
