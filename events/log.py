"""The log's only writer, and its readers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Max
from uuid_utils.compat import uuid7

from events.catalog import Fact
from events.models import Event

#: The advisory locks' class: no other code of this database may use it.
_LOCK_CLASS = 0x1067

_INSERT = """
INSERT INTO events_event (id, merchant_id, stream, version, type, occurred_at, recorded_at, key, data)
SELECT e.id, %(merchant)s, e.stream, e.version, e.type, e.occurred_at, clock.now, e.key, e.data
FROM ROWS FROM (jsonb_to_recordset(%(rows)s) AS (
    id uuid, stream uuid, version integer, type text, occurred_at timestamptz, key text, data jsonb
)) WITH ORDINALITY AS e (id, stream, version, type, occurred_at, key, data, nth),
(SELECT clock_timestamp() AS now) AS clock
ORDER BY e.nth
RETURNING recorded_at
"""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append. The caller holds the lock of the stream's row and counts its versions."""

    stream: UUID
    version: int
    type: str
    key: str
    occurred_at: datetime | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the log holds it."""

    id: UUID
    stream: UUID
    version: int
    type: str
    key: str
    data: dict[str, Any]
    recorded_at: datetime


def event_of(stream: UUID, version: int, fact: Fact) -> NewEvent:
    """The event that records this fact as the stream's `version`."""
    return NewEvent(stream, version, fact.type, fact.key, fact.moment, fact.data())


def append(merchant_id: UUID, news: Sequence[NewEvent]) -> list[Recorded]:
    """Write events of one merchant, within the caller's transaction, and near its end.

    The merchant's advisory lock makes its positions commit in order, so that a reader's cursor never skips.
    All events of one append share `recorded_at`. Two statements, whatever the number of events. Raises
    django.db.IntegrityError where a version or a key is there already: that is a bug, and rolls back.
    """
    if not news:
        return []
    ids = [uuid7() for _ in news]
    rows = [
        {
            "id": str(id_),
            "stream": str(new.stream),
            "version": new.version,
            "type": new.type,
            "occurred_at": new.occurred_at.isoformat() if new.occurred_at else None,
            "key": new.key,
            "data": new.data,
        }
        for id_, new in zip(ids, news, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK_CLASS, str(merchant_id)])
        cursor.execute(_INSERT, {"merchant": merchant_id, "rows": json.dumps(rows)})
        recorded_at = cursor.fetchone()[0]
    return [
        Recorded(id_, new.stream, new.version, new.type, new.key, new.data, recorded_at)
        for id_, new in zip(ids, news, strict=True)
    ]


def last_versions(streams: Sequence[UUID]) -> dict[UUID, int]:
    """The last version of each stream that has one. Read it after the stream's row is locked."""
    rows = Event.objects.filter(stream__in=streams).values_list("stream").annotate(Max("version"))
    return dict(rows)


def read_streams(streams: Sequence[UUID]) -> list[Recorded]:
    """Every event of these streams, by stream and version."""
    rows = Event.objects.filter(stream__in=streams).order_by("stream", "version")
    fields = ("id", "stream", "version", "type", "key", "data", "recorded_at")
    return [Recorded(*row) for row in rows.values_list(*fields)]
