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
    """What one item says. `names` are all that its status is called, `known`: its code is a mapped word.

    `placed` is where it stands, `life` how far along a parcel's life its status is: that decides between
    entries of one place, unless it stands beside another, whose `neighbours_life` counts then.
    """

    code: str | None
    text: str
    moment: Moment
    known: bool = False
    placed: datetime | None = None
    life: int = 0
    neighbours_life: int | None = None
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
        life = self.life if self.neighbours_life is None else self.neighbours_life
        return self.placed or ordering.LAST, life

    def beside(self, anchor: "Entry") -> "Entry":
        """Placed by the instant of another entry of its list, or by its own where that is itself."""
        life = None if anchor is self else anchor.life
        return replace(self, placed=anchor.moment.instant, neighbours_life=life)


def merged(statuses: Iterable[Entry], trackings: Iterable[Entry]) -> list[Entry]:
    """Both lists as one: what they tell of one status at one moment is one entry.

    The second list adds place and raw fields to the first, the time where that has none, and the status where
    it alone tells a known word: what one list has told by its word stays the same scan when both tell it.
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
        found[at] = _one(found[at], tracking)
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
    return replace(entry, placed=last.placed, neighbours_life=max(entry.life, last.place[1]))


def _one(status: Entry, tracking: Entry) -> Entry:
    worded = tracking if tracking.known and not status.known else status
    timed = max(status, tracking, key=lambda one: (one.moment.instant is not None, one.placed is not None))
    return replace(
        status,
        code=worded.code,
        known=worded.known,
        life=worded.life,
        moment=timed.moment,
        placed=timed.placed,
        neighbours_life=timed.neighbours_life,
        location=tracking.location,
        raw=tracking.raw | status.raw,
    )


def _same(status: Entry, tracking: Entry) -> bool:
    """A name in common, and neither another time nor another known word: one of the two may be without."""
    if status.known and tracking.known and status.code != tracking.code:
        return False
    times = {status.moment.instant, tracking.moment.instant} - {None}
    return len(times) < 2 and not status.names.isdisjoint(tracking.names)


def _likeness(status: Entry, tracking: Entry) -> tuple[bool, int]:
    return status.moment.instant == tracking.moment.instant, len(status.names & tracking.names)
