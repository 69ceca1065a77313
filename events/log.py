"""The log's only writer, and its readers."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import uuid_utils
from django.db import connection
from django.db.models import Max

from accounts import packing
from accounts.copying import Copying
from events.catalog import Fact
from events.models import Event
from events.writing import rendered

#: The advisory locks' class: no other code of this database may use it.
_LOCK_CLASS = 0x1067

# The clock is read under the lock: of one merchant, what is later in the log is recorded later.
_LOCK = "SELECT pg_advisory_xact_lock(%s, hashtext(%s)), clock_timestamp()"
_COLUMNS = "id, merchant_id, stream, version, recorded_at, occurred_at, key, type, data"
#: A row up to the length of its key, as `accounts.packing` has it: the number of columns, those that come
#: first and all have one length, the moment that it occurred at or that there is none.
_OCCURRED = struct.Struct("!h i16s i16s i16s ii iq iq i")
_NEVER = struct.Struct("!h i16s i16s i16s ii iq i i")


class NewEvent(NamedTuple):
    """An event to append. The caller holds the lock of the stream's row and counts its versions."""

    stream: UUID
    version: int
    type: str
    key: str
    occurred_at: datetime | None
    data: dict[str, Any]


class Recorded(NamedTuple):
    """An event as the log holds it. The text of its id counts, which the library's own UUID has at once."""

    id: UUID | uuid_utils.UUID
    stream: UUID
    version: int
    type: str
    key: str
    data: dict[str, Any]
    recorded_at: datetime


#: A type's column: there are few.
_kind = cache(packing.text)


def event_of(stream: UUID, version: int, fact: Fact) -> NewEvent:
    """The event that records this fact as the stream's `version`."""
    return NewEvent(stream, version, fact.type, fact.key, fact.moment, fact.data())


class Appending:
    """An append of one merchant's events, which PostgreSQL takes while more of them are made."""

    def __init__(self, merchant_id: UUID, recorded_at: datetime, copying: Copying) -> None:
        self._merchant = merchant_id.bytes
        self._recorded_at = recorded_at
        self._clock = packing.microseconds(recorded_at)
        self._copying = copying

    def write(self, news: Iterable[NewEvent]) -> list[Recorded]:
        """Append these, and return them as the log holds them."""
        recorded: list[Recorded] = []
        rows: list[bytes] = []
        merchant, clock, at = self._merchant, self._clock, self._recorded_at
        for stream, version, type_, key, occurred_at, data in news:
            id_ = uuid_utils.uuid7()
            named = key.encode("utf-8", "surrogatepass")
            first = (9, 16, id_.bytes, 16, merchant, 16, stream.bytes, 4, version, 8, clock)
            begun = (
                _NEVER.pack(*first, -1, len(named))
                if occurred_at is None
                else _OCCURRED.pack(*first, 8, packing.microseconds(occurred_at), len(named))
            )
            rows += (begun, named, _kind(type_), packing.jsonb(rendered(data)))
            recorded.append(Recorded(id_, stream, version, type_, key, data, at))
        self._copying.write(b"".join(rows))
        return recorded

    def send(self) -> None:
        """Have PostgreSQL take in all that was written."""
        self._copying.send()


@contextmanager
def appending(merchant_id: UUID) -> Iterator[Appending]:
    """Write events of one merchant, within the caller's transaction, and near its end.

    The merchant's advisory lock makes its positions commit in order, so that a reader's cursor never skips.
    All events of one append share `recorded_at`. Two statements, whatever the number of events; nothing else
    may be asked of the database meanwhile. Raises django.db.IntegrityError where a version or a key is there
    already: that is a bug, and rolls back.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [_LOCK_CLASS, str(merchant_id)])
        recorded_at = cursor.fetchone()[1]
    with Copying("events_event", _COLUMNS) as copying:
        yield Appending(merchant_id, recorded_at, copying)


def append(merchant_id: UUID, news: Sequence[NewEvent]) -> list[Recorded]:
    """`appending` of what is there already; nothing, no statement."""
    if not news:
        return []
    with appending(merchant_id) as into:
        return into.write(news)


def last_versions(streams: Sequence[UUID]) -> dict[UUID, int]:
    """The last version of each stream that has one. Read it after the stream's row is locked."""
    rows = Event.objects.filter(stream__in=streams).values_list("stream").annotate(Max("version"))
    return dict(rows)


def read_streams(streams: Sequence[UUID]) -> list[Recorded]:
    """Every event of these streams, by stream and version."""
    rows = Event.objects.filter(stream__in=streams).order_by("stream", "version")
    fields = ("id", "stream", "version", "type", "key", "data", "recorded_at")
    return [Recorded(*row) for row in rows.values_list(*fields)]
