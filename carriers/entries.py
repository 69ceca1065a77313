"""Entries of a carrier's lists before they are scans: two lists as one, and where a day stands. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from carriers import ordering
from carriers.moments import Clock
from carriers.snapshot import Certainty, Moment


@dataclass(frozen=True, slots=True)
class Entry:
    """What one item says. `names` are all that its status is called, `placed` and `life` its order."""

    code: str | None
    text: str
    moment: Moment
    placed: datetime | None = None
    life: int = 0
    key: str = ""
    names: frozenset[str] = frozenset()
    location: str | None = None
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def word(self) -> str:
        """What identifies its status: the code, or the text where it has none."""
        return self.code or self.text

    @property
    def place(self) -> tuple[datetime, int]:
        """Sorts entries oldest first; what has no place comes last."""
        return self.placed or ordering.LAST, self.life


def merged(statuses: Iterable[Entry], trackings: Iterable[Entry]) -> list[Entry]:
    """Both lists as one: what they tell of one status at one moment is one entry.

    The second list adds place and raw fields to the first, and the time where that has none.
    """
    found = list(statuses)
    free = list(range(len(found)))
    for tracking in trackings:
        twins = [at for at in free if _same(found[at], tracking)]
        if not twins:
            found.append(tracking)
            continue
        at = max(twins, key=lambda twin: _likeness(found[twin], tracking))
        free.remove(at)
        status = found[at]
        timed = status if status.moment.instant else tracking
        found[at] = replace(
            status,
            moment=timed.moment,
            placed=timed.placed,
            location=tracking.location,
            raw=tracking.raw | status.raw,
        )
    return found


def on_its_day(entry: Entry, older: Iterable[Entry], clock: Clock) -> Entry:
    """Stand an entry whose moment is a day alone behind those of `older` that stand on that day."""
    start = entry.moment.instant
    if start is None or entry.moment.certainty is not Certainty.DATE_ONLY:
        return entry
    day = clock.day_of(start)
    of_day = [one for one in older if one.placed and clock.day_of(one.placed) == day]
    if not of_day:
        return entry
    last = max(of_day, key=lambda one: one.place)
    return replace(entry, placed=last.placed, life=max(entry.life, last.life))


def _same(status: Entry, tracking: Entry) -> bool:
    """A name in common, and no other time: one of the two may be without."""
    times = {status.moment.instant, tracking.moment.instant} - {None}
    return len(times) < 2 and not status.names.isdisjoint(tracking.names)


def _likeness(status: Entry, tracking: Entry) -> tuple[bool, int]:
    return status.moment.instant == tracking.moment.instant, len(status.names & tracking.names)
