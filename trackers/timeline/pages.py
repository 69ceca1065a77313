"""The timeline, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from uuid import UUID

from trackers.timeline.entries import Entry, Place
from trackers.timeline.happenings import happenings
from trackers.timeline.saying import with_sayings
from trackers.timeline.tellings import attempts, deliveries, messages, outcomes

#: Entries of a page.
PAGE = 100
_SOURCES = (happenings, outcomes, messages, deliveries, attempts)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first, and the place below which older ones stand; None: there are none."""

    entries: Sequence[Entry]
    older: Place | None


def page_of(tracker_id: UUID, below: Place | None, *, sayings: bool) -> Page:
    """The newest PAGE entries of a tracker below a place; seven statements at most, whatever its history.

    `sayings`: whether what carriers said of scans, which may hold personal data, is among them.
    """
    found = [source(tracker_id, below, PAGE + 1) for source in _SOURCES]
    entries = list(islice(merge(*found, key=_place, reverse=True), PAGE + 1))
    older = entries[PAGE - 1].place if len(entries) > PAGE else None
    shown = entries[:PAGE]
    return Page(with_sayings(tracker_id, shown) if sayings else shown, older)


def _place(entry: Entry) -> Place:
    return entry.place
