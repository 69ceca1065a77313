"""The projection and the tracker row that holds it."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection

from trackers.fold import Projection
from trackers.models import Tracker

_PROJECT = """
UPDATE trackers_tracker AS tracker
SET version = new.version, last_message_sequence = new.last_message_sequence, milestone = new.milestone,
    status_code = new.status_code, final = new.final, stop_reason = new.stop_reason, news_at = new.news_at,
    milestone_at = new.milestone_at, updated_at = new.updated_at, due_on = new.due_on,
    stalled_at = new.stalled_at, restarted_at = new.restarted_at, erased_at = new.erased_at,
    state = new.state
FROM jsonb_to_recordset(%s) AS new (
    id uuid, version integer, last_message_sequence integer, milestone text, status_code text,
    final boolean, stop_reason text, news_at timestamptz, milestone_at timestamptz, updated_at timestamptz,
    due_on date, stalled_at timestamptz, restarted_at timestamptz, erased_at timestamptz, state jsonb
)
WHERE tracker.id = new.id
"""

_MOMENTS = (
    "news_at", "milestone_at", "updated_at", "due_on", "stalled_at", "restarted_at", "erased_at",
)  # fmt: skip


def projection_of(tracker: Tracker) -> Projection:
    """The projection as the row holds it."""
    return Projection(
        version=tracker.version,
        last_message_sequence=tracker.last_message_sequence,
        milestone=tracker.milestone,
        status_code=tracker.status_code,
        final=tracker.final,
        stop_reason=tracker.stop_reason,
        news_at=tracker.news_at,
        milestone_at=tracker.milestone_at,
        updated_at=tracker.updated_at,
        due_on=tracker.due_on,
        stalled_at=tracker.stalled_at,
        restarted_at=tracker.restarted_at,
        erased_at=tracker.erased_at,
        state=tracker.state,
    )


def apply_projection(tracker: Tracker, projection: Projection) -> None:
    """Set the row's fields to the projection; saving is the caller's."""
    for name in Projection.__slots__:
        setattr(tracker, name, getattr(projection, name))


def write_projections(trackers: Sequence[Tracker]) -> None:
    """Write these rows' projections in one statement. The caller holds their locks."""
    if not trackers:
        return
    with connection.cursor() as cursor:
        cursor.execute(_PROJECT, [json.dumps([_row(tracker) for tracker in trackers])])


def _row(tracker: Tracker) -> dict[str, Any]:
    projection = projection_of(tracker)
    row: dict[str, Any] = {name: getattr(projection, name) for name in Projection.__slots__}
    for name in _MOMENTS:
        row[name] = row[name].isoformat() if row[name] else None
    return row | {"id": str(tracker.id)}
