"""Codes that no map knows yet: counted, and shown by example, so that operations see what to map next."""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from carriers.models import UnmappedCode
from carriers.snapshot import Scan, Snapshot, Unmapped

#: Examples that are kept of a code, the newest ones, one a tracker.
SAMPLES = 3

_COUNT = """
INSERT INTO carriers_unmappedcode AS known (courier, code, text, count, samples, first_seen_at, last_seen_at)
SELECT seen.courier, seen.code, seen.text, seen.count, seen.samples, now(), now()
FROM jsonb_to_recordset(%(seen)s) AS seen (courier text, code text, text text, count bigint, samples jsonb)
ON CONFLICT (courier, code) DO UPDATE
SET count = known.count + excluded.count, last_seen_at = excluded.last_seen_at, samples = (
    SELECT jsonb_agg(newest.sample ORDER BY newest.nth) FROM (
        SELECT sample, nth FROM jsonb_array_elements(excluded.samples || known.samples)
            WITH ORDINALITY AS each (sample, nth)
        WHERE nth <= jsonb_array_length(excluded.samples) OR NOT EXISTS (
            SELECT FROM jsonb_array_elements(excluded.samples) AS anew
            WHERE anew -> 'trackerId' = sample -> 'trackerId')
        ORDER BY nth LIMIT %(samples)s
    ) AS newest)
"""

# What is being counted at this moment has just been seen.
_FORGET = """
DELETE FROM carriers_unmappedcode WHERE id = ANY(ARRAY(
    SELECT id FROM carriers_unmappedcode WHERE last_seen_at < statement_timestamp() - %(kept)s
    ORDER BY last_seen_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """An answer about one of our trackers, and when it came."""

    tracker_id: UUID
    snapshot: Snapshot
    at: datetime


def count(sightings: Iterable[Sighting]) -> None:
    """Count the unmapped codes of these answers, and keep the newest SAMPLES of each as examples.

    One statement, none where there is nothing to count. An example holds nothing personal: of the scan's own
    fields it has the codes, not the place and no sentences.
    """
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for one in sightings:
        for unknown in one.snapshot.unmapped:
            key = (one.snapshot.courier, unknown.code)
            row: dict[str, Any] = {"courier": key[0], "code": key[1], "text": unknown.text, "count": 0}
            kept = seen.setdefault(key, row | {"samples": {}})
            kept["count"] += 1
            kept["samples"][str(one.tracker_id)] = _sample(one, unknown)
    if seen:
        # Everybody writes in one order, so that two batches never wait for each other.
        rows = [seen[key] | {"samples": list(_newest(seen[key]["samples"]))} for key in sorted(seen)]
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, {"seen": json.dumps(rows), "samples": SAMPLES})


def forget(courier: str, codes: Collection[str]) -> int:
    """Take codes that are mapped by now off the list. Returns how many were on it."""
    return UnmappedCode.objects.filter(courier=courier, code__in=codes).delete()[0]


def forget_unseen(batch: int) -> int:
    """Delete some of the codes that no answer has held for as long as answers are kept; how many.

    A remap would find none either. Carriers that have no codes send sentences, which may never come again.
    """
    values: dict[str, Any] = {"kept": timedelta(days=settings.RAW_ANSWERS_KEPT_DAYS), "batch": batch}
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, values)
        return int(cursor.rowcount)


def _newest(samples: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield from sorted(samples.values(), key=lambda sample: sample["seenAt"], reverse=True)[:SAMPLES]


def _sample(one: Sighting, unknown: Unmapped) -> dict[str, Any]:
    scan = _holding(one.snapshot.scans, unknown.code)
    return {
        "text": unknown.text,
        "trackerId": str(one.tracker_id),
        "raw": _codes(scan) | {"time": scan.moment.text} if scan else {},
        "seenAt": f"{one.at:%Y-%m-%dT%H:%M:%S}Z",
    }


def _codes(scan: Scan) -> dict[str, Any]:
    place = scan.location or ""
    return {
        name: value
        for name, value in scan.raw.items()
        if len(str(value).split()) == 1 and str(value) not in place
    }


def _holding(scans: Iterable[Scan], code: str) -> Scan | None:
    """The newest scan that holds a code: in its place, or among its own fields."""
    held = (scan for scan in scans if code == (scan.carrier_code or scan.text) or code in scan.raw.values())
    return max(held, key=lambda scan: scan.moment.text or "", default=None)
