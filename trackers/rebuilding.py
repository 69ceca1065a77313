"""fold(log) against the projections: the proof, and the repair."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from django.db import connection, transaction

from events.log import read_streams
from trackers.fold import Projection, fold
from trackers.models import Tracker
from trackers.projecting import apply_projection, projection_of, write_projections

#: Trackers read at a time.
BATCH = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """A tracker whose row is not the fold of its events, and the fields that differ."""

    tracker_id: UUID
    fields: tuple[str, ...]


def check() -> Iterator[Difference]:
    """Compare every tracker in one REPEATABLE READ snapshot; locks nothing, on a live system too."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        for trackers in _batches(lock=False):
            yield from _differences(trackers)


def repair() -> Iterator[Difference]:
    """Write the fold where the row differs, a batch at a time under the rows' locks."""
    last: UUID | None = None
    while True:
        with transaction.atomic():
            trackers = _batch(last, lock=True)
            if not trackers:
                return
            last = trackers[-1].id
            found = list(_differences(trackers))
            wrong = {difference.tracker_id for difference in found}
            write_projections([tracker for tracker in trackers if tracker.id in wrong])
        yield from found


def _differences(trackers: Sequence[Tracker]) -> Iterator[Difference]:
    """The rows that differ; each row object is left holding the fold."""
    events = read_streams([tracker.id for tracker in trackers])
    folded = {
        stream: fold(Projection(), list(group))
        for stream, group in groupby(events, key=lambda one: one.stream)
    }
    for tracker in trackers:
        row, truth = projection_of(tracker), folded.get(tracker.id, Projection())
        wrong = tuple(name for name in Projection.__slots__ if getattr(row, name) != getattr(truth, name))
        if wrong:
            apply_projection(tracker, truth)
            yield Difference(tracker.id, wrong)


def _batches(*, lock: bool) -> Iterator[list[Tracker]]:
    trackers = _batch(None, lock=lock)
    while trackers:
        yield trackers
        trackers = _batch(trackers[-1].id, lock=lock)


def _batch(after: UUID | None, *, lock: bool) -> list[Tracker]:
    query = Tracker.objects.order_by("id")
    if lock:
        query = query.select_for_update(no_key=True)
    return list(query.filter(id__gt=after)[:BATCH] if after else query[:BATCH])
