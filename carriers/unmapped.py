"""Codes that no map knows yet: counted, so that operations see what to map next."""

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection

from carriers.snapshot import Snapshot

_COUNT = """
INSERT INTO carriers_unmappedcode AS known (courier, code, text, count, first_seen_at, last_seen_at)
SELECT seen.courier, seen.code, seen.text, seen.count, now(), now()
FROM jsonb_to_recordset(%s) AS seen (courier text, code text, text text, count bigint)
ON CONFLICT (courier, code) DO UPDATE
SET count = known.count + excluded.count, last_seen_at = excluded.last_seen_at
"""


def count(snapshots: Iterable[Snapshot]) -> None:
    """Count the unmapped codes of these answers: one statement, none where there is nothing to count."""
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for snapshot in snapshots:
        for unknown in snapshot.unmapped:
            row: dict[str, Any] = {
                "courier": snapshot.courier,
                "code": unknown.code,
                "text": unknown.text,
                "count": 0,
            }
            kept = seen.setdefault((snapshot.courier, unknown.code), row)
            kept["count"] += 1
    if seen:
        # Everybody writes in one order, so that two batches never wait for each other.
        rows = [seen[key] for key in sorted(seen)]
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [json.dumps(rows)])
