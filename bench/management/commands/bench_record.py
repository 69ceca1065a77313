"""`manage.py bench_record`: what recording costs. Each line of stdin asks, a line of stdout answers.

- `cast own` or `cast house`: a merchant with one endpoint, who asks with its own account or the house's.
- `record BATCHES EACH KNOWN NEW`: so many batches of so many answers, each with scans that the log has and
  with some that it lacks; only `trackers.recording.record` is timed.
- `raw`: the events of the last `record`, under other streams: rendered, and one INSERT and commit a batch.
- `poll BATCHES EACH KNOWN NEW`: as `record`, with parsing and digesting.

An answer is a JSON object: events, seconds, and processors' seconds of this process and of its PostgreSQL.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand
from django.db import connection
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from bench.polling import parcels
from config.collecting import look_seldom
from events.models import Event
from trackers.claims import Claim
from trackers.learned import Polled
from trackers.recording import record

T = TypeVar("T")

#: Answers that are recorded together while the scene is set.
_BATCH = 100
_TICK = 1 / os.sysconf("SC_CLK_TCK")
_RAW = """
INSERT INTO events_event (id, merchant_id, stream, version, type, occurred_at, recorded_at, key, data)
SELECT id, merchant_id, stream, version, type, occurred_at, recorded_at, key, data
FROM jsonb_to_recordset(%s) AS e (
    id uuid, merchant_id uuid, stream uuid, version integer, type text, occurred_at timestamptz,
    recorded_at timestamptz, key text, data jsonb
)
"""
_FIELDS = ("id", "merchant_id", "stream", "version", "type", "occurred_at", "recorded_at", "key", "data")


class Command(BaseCommand):
    help = "Time the recording of answers, as the lines of stdin ask."
    requires_system_checks = ()

    def handle(self, *args: object, **options: object) -> None:
        desk = _Desk()
        look_seldom()  # as a worker process does
        for line in sys.stdin:
            match line.split():
                case ["cast", whose]:
                    desk.cast(own_account=whose == "own")
                    told: object = "ready"
                case ["record", *sizes]:
                    told = desk.record(*map(int, sizes))
                case ["poll", *sizes]:
                    told = desk.poll(*map(int, sizes))
                case ["raw"]:
                    told = desk.raw()
                case words:
                    raise ValueError(f"not a question: {words}")
            self.stdout.write(json.dumps(told))
            self.stdout.flush()


class _Desk:
    def __init__(self) -> None:
        self._merchant = Merchant()
        self._own = False
        self._recorded: list[list[UUID]] = []

    def cast(self, *, own_account: bool) -> None:
        self._own = own_account
        self._merchant = parcels.merchant(own_account=own_account)

    def record(self, batches: int, each: int, known: int, new: int) -> dict[str, float]:
        """One batch after the other, as a worker does; each is parsed just before it is timed."""
        works = (
            partial(self._record, [self._learned(one, known + new) for one in batch])
            for batch in _cut(self._claims(batches * each, known), each)
        )
        return _timed(works)

    def poll(self, batches: int, each: int, known: int, new: int) -> dict[str, float]:
        works = (
            partial(self._poll, [(one, parcels.answer(one.number, known + new)) for one in batch])
            for batch in _cut(self._claims(batches * each, known), each)
        )
        return _timed(works)

    def raw(self) -> dict[str, float]:
        """What a program does that has the rows: it renders them, sends them, and commits."""
        works = [partial(_insert, _others(ids)) for ids in self._recorded]
        _checkpoint()
        return _timed(iter(works))

    def _claims(self, many: int, known: int) -> list[Claim]:
        """Of new parcels, which have been polled once where scans of theirs are to be known."""
        trackers = parcels.follow(self._merchant.id, many)
        if known:
            learned = [self._learned(one, known) for one in parcels.claimed(trackers)]
            for batch in _cut(learned, _BATCH):
                record(self._merchant.id, batch)
        claims = parcels.claimed(trackers)
        self._recorded = []
        _checkpoint()
        return claims

    def _learned(self, one: Claim, scans: int) -> Polled:
        return parcels.learned(one, parcels.answer(one.number, scans), own_account=self._own)

    def _record(self, learned: Sequence[Polled]) -> int:
        self._recorded.append([one.tracker for one in learned])
        return record(self._merchant.id, learned)

    def _poll(self, asked: Sequence[tuple[Claim, bytes]]) -> int:
        return self._record([parcels.learned(one, body, own_account=self._own) for one, body in asked])


def _timed(works: Iterator[Callable[[], int]]) -> dict[str, float]:
    """What these took by themselves; making the next one, without PostgreSQL, is nobody's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), coalesce(max(position), 0) FROM events_event")
        pid, position = cursor.fetchone()
    took = {"events": 0.0, "seconds": 0.0, "python": 0.0}
    backend: float | None = None
    for work in works:
        backend = _seconds_of(pid) if backend is None else backend
        python, began = time.process_time(), time.perf_counter()
        took["events"] += work()
        took["seconds"] += time.perf_counter() - began
        took["python"] += time.process_time() - python
    took["postgresql"] = _seconds_of(pid) - (backend or 0.0)
    written = Event.objects.filter(position__gt=position).count()
    if not took["events"] or written < took["events"]:
        raise RuntimeError(f"{written} events in the log instead of {took['events']}")
    return took


def _cut(items: Sequence[T], each: int) -> Iterator[Sequence[T]]:
    return (items[n : n + each] for n in range(0, len(items), each))


def _checkpoint() -> None:
    """Not in the middle of what is timed, and no side has it behind it alone."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def _others(streams: Sequence[UUID]) -> list[dict[str, Any]]:
    """The newest events of these streams that were recorded together, as those of other streams."""
    others = {stream: uuid7() for stream in streams}
    last = Event.objects.filter(stream__in=streams).latest("position").recorded_at
    rows = Event.objects.filter(stream__in=streams, recorded_at=last).order_by("position").values(*_FIELDS)
    return [row | {"id": uuid7(), "stream": others[row["stream"]]} for row in rows]


def _insert(rows: Sequence[dict[str, Any]]) -> int:
    """Its own commit: no transaction is open."""
    with connection.cursor() as cursor:
        cursor.execute(_RAW, [orjson.dumps(rows).decode()])
        return int(cursor.rowcount)


def _seconds_of(pid: int) -> float:
    """Of processors, that a process on this machine has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK
