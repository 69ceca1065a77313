"""At which of its appends a parcel's milestone moved, by the rule that also made its row. Pure."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from events.log import Recorded
from trackers.fold import Projection, fold


def moves(before: Sequence[Recorded], events: Sequence[Recorded]) -> Iterator[tuple[int, str]]:
    """Where appends among `events` moved the milestone, and whereto: the version of the last scan of each.

    `before`: all that stands in the log before them.
    """
    known = _at_once(before)
    for _, append in groupby(events, key=lambda event: event.recorded_at):
        own = list(append)
        told = fold(known, own)
        if told.milestone != known.milestone:
            yield _last_scan(own).version, told.milestone
        known = told


def _last_scan(append: Sequence[Recorded]) -> Recorded:
    """Nothing else moves a parcel."""
    return next((event for event in reversed(append) if "scanKey" in event.data), append[-1])


def _at_once(events: Sequence[Recorded]) -> Projection:
    """What these amount to, folded as one append: where the parcel is does not depend on that."""
    if not events:
        return Projection()
    last = events[-1].recorded_at
    return fold(Projection(), [event._replace(recorded_at=last) for event in events])
