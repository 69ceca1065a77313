"""A merchant's trackers and log as lines, page by page: short questions, and no transaction in between."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.errors import ApiError
from events import feed
from events.retrying import once_more
from trackers.filtering import TrackerFilter, in_time
from trackers.listing import Place
from trackers.models import PersonalData, Tracker
from trackers.page.links import Links
from trackers.presentation import polled_shape, results_shape
from trackers.waiting import Room

#: Trackers, and events, that are held at a time.
TRACKERS, EVENTS = 100, 500
#: Whoever reads slowly holds a thread: a quarter of them may be held so.
_room = Room()


def export(
    merchant_id: UUID, links: Links, wanted: Mapping[str, Any], *, with_events: bool
) -> Iterator[bytes]:
    """One line of JSON for each tracker that the filters take, then for each event up to now, then the end.

    Without the last line, `{"kind": "end"}` with the counts, the export was cut off. Raises ApiError before
    the first line: 429 `too_many_requests`, 400 where the filters take too long.
    """
    with _room.place() as given:
        if not given:
            message = "Other exports are under way; try again later."
            raise ApiError(429, "too_many_requests", message, {"Retry-After": "10"})
        head = feed.head(merchant_id) if with_events else 0
        trackers = events = 0
        for page in _tracker_pages(merchant_id, links, wanted):
            trackers += len(page)
            yield b"".join(page)
        for page in _event_pages(merchant_id, head):
            events += len(page)
            yield b"".join(page)
        yield _line("end", trackers=trackers, events=events)


def _tracker_pages(merchant_id: UUID, links: Links, wanted: Mapping[str, Any]) -> Iterator[list[bytes]]:
    """Trackers made until now, oldest first."""
    until = once_more(_now)
    mine = Tracker.objects.filter(merchant_id=merchant_id, created_at__lte=until).order_by("created_at", "id")
    rest = mine = TrackerFilter.apply(mine, wanted)
    while rows := once_more(partial(_read, rest)):
        yield [_tracker_line(tracker, links) for tracker in rows]
        rest = Place(rows[-1].created_at, rows[-1].id).rest(mine)


def _now() -> datetime:
    """By the clock that says when a tracker was made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def _read(rest: Any) -> list[Tracker]:
    with in_time():
        return list(rest.select_related("personaldata").prefetch_related("watches")[:TRACKERS])


def _tracker_line(tracker: Tracker, links: Links) -> bytes:
    personal: PersonalData | None = getattr(tracker, "personaldata", None)
    return _line(
        "tracker",
        tracker=polled_shape(tracker, list(tracker.watches.all()), links.to(tracker)),
        tracking=results_shape(tracker, personal),
    )


def _event_pages(merchant_id: UUID, head: int) -> Iterator[list[bytes]]:
    after = 0
    while after < head:
        page = once_more(partial(feed.page, merchant_id, after=after, limit=EVENTS))
        yield [_line("event", **feed.shown(event)) for event in page.events if event.position <= head]
        after = page.next


def _line(kind: str, **fields: Any) -> bytes:
    return json.dumps({"kind": kind, **fields}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
