"""The projection and the tracker row that holds it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from accounts.running import Running
from events.writing import rendered
from trackers.fold import Projection
from trackers.held import Held
from trackers.models import Tracker
from trackers.storing import to_store

_PROJECT = """
UPDATE trackers_tracker AS tracker
SET version = new.version, last_message_sequence = new.last_message_sequence, milestone = new.milestone,
    status_code = new.status_code, final = new.final, stop_reason = new.stop_reason, news_at = new.news_at,
    milestone_at = new.milestone_at, updated_at = new.updated_at, due_on = new.due_on,
    stalled_at = new.stalled_at, restarted_at = new.restarted_at, erased_at = new.erased_at,
    state = new.state
FROM jsonb_to_recordset(%(rows)s) AS new (
    id uuid, version integer, last_message_sequence integer, milestone text, status_code text,
    final boolean, stop_reason text, news_at timestamptz, milestone_at timestamptz, updated_at timestamptz,
    due_on date, stalled_at timestamptz, restarted_at timestamptz, erased_at timestamptz, state jsonb
)
WHERE tracker.id = new.id
"""


def projection_of(tracker: Tracker | Held) -> Projection:
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


def apply_projection(tracker: Tracker | Held, projection: Projection) -> None:
    """Set the row's fields to the projection; saving is the caller's."""
    for name in Projection.__slots__:
        setattr(tracker, name, getattr(projection, name))


def projections(trackers: Iterable[Tracker | Held]) -> bytes:
    """These rows' projections as `projecting` takes them; empty for none."""
    rows = [_row(tracker) for tracker in trackers]
    return rendered(rows) if rows else b""


@contextmanager
def projecting(rows: bytes) -> Iterator[None]:
    """Write these `projections` in one statement, which is under way as long as this context lasts.

    Nothing else may be asked of the database meanwhile. The caller holds the rows' locks.
    """
    if not rows:
        yield
        return
    sent = Running(_PROJECT, {"rows": rows})
    try:
        yield
    finally:
        sent.rows()


def write_projections(trackers: Sequence[Tracker | Held]) -> None:
    """Both, waited for; no statement for none."""
    with projecting(projections(trackers)):
        pass


def _row(tracker: Tracker | Held) -> dict[str, Any]:
    row = {name: getattr(tracker, name) for name in Projection.__slots__}
    return row | {"id": tracker.id, "state": to_store(tracker.state)}
