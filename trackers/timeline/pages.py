"""The timeline, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from uuid import UUID

from trackers.timeline.entries import Entry, Place
from trackers.timeline.happenings import happenings
from trackers.timeline.tellings import attempts, deliveries, messages, outcomes

#: Entries of a page.
PAGE = 100
_SOURCES = (happenings, outcomes, messages, deliveries, attempts)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first, and the place below which older ones stand; None: there are none."""

    entries: Sequence[Entry]
    older: Place | None


def page_of(tracker_id: UUID, below: Place | None = None) -> Page:
    """The newest PAGE entries of a tracker below a place; six statements, whatever its history."""
    found = [source(tracker_id, below, PAGE + 1) for source in _SOURCES]
    entries = list(islice(merge(*found, key=_place, reverse=True), PAGE + 1))
    return Page(entries[:PAGE], entries[PAGE - 1].place if len(entries) > PAGE else None)


def _place(entry: Entry) -> Place:
    return entry.place
