"""Looks at the log at pauses of a run, so that it can be seen later whether anything of it has changed."""

import threading
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.harness.history import History

#: Trackers whose projection is not what their events say, looked at in one statement, so at one moment.
_ASTRAY = """
SELECT count(*), coalesce(array_agg(number) FILTER (WHERE astray), '{}') FROM (
    SELECT tracker.tracking_number AS number,
           tracker.version <> coalesce(log.version, 0) OR tracker.version <> log.events
           OR jsonb_array_length(tracker.state -> 'scans') <> log.scans AS astray
    FROM trackers_tracker AS tracker CROSS JOIN LATERAL (
        SELECT max(version) AS version, count(*) AS events,
               count(*) FILTER (WHERE type = 'tracking.scanned') AS scans
        FROM events_event WHERE stream = tracker.id
    ) AS log
) AS compared
"""
#: Seconds between two looks.
EVERY = 2.0
_ENDS = "SELECT merchant_id::text, max(position) FROM events_event GROUP BY merchant_id"
_FINGERPRINT = """
SELECT count(*), coalesce(bit_xor(('x' || left(md5(event::text), 16))::bit(64)), 0::bit(64))::text
FROM events_event AS event WHERE merchant_id = %s AND position <= %s
"""


def fingerprint(database: psycopg.Connection[Any], merchant: str, position: int) -> tuple[int, str]:
    """Of a merchant's log up to this position: how many rows it has, and a hash of all they hold.

    A merchant's positions become visible in their order: what is there up to one never grows.
    """
    row = database.execute(_FINGERPRINT, [merchant, position]).fetchone()
    return (row[0], row[1]) if row else (0, "")


class Sampler:
    """Looks from `start` until `stop`; at a database that is away, later.

    Fingerprints are noted in samples.jsonl; how many projections were compared with their events, and whose
    are not what those say, in projections.jsonl.
    """

    def __init__(self, folder: Path, url: str, every: float = EVERY) -> None:
        self._history = History(folder / "samples.jsonl")
        self._projections = History(folder / "projections.jsonl")
        self._url = url
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._over.wait(self._every):
            try:
                self._look()
            except psycopg.OperationalError:
                continue  # it is away, or went away; whether anything was seen at all the checker asks
            except psycopg.Error as error:
                self._projections.note(compared=0, astray=[f"looking failed: {error}"])

    def _look(self) -> None:
        with psycopg.connect(self._url, autocommit=True, connect_timeout=3) as database:
            for merchant, position in database.execute(_ENDS).fetchall():
                count, value = fingerprint(database, merchant, position)
                self._history.note(merchant=merchant, position=position, count=count, hash=value)
            compared = database.execute(_ASTRAY).fetchone()
            if compared:
                self._projections.note(compared=compared[0], astray=compared[1])
