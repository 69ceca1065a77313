"""Looks at the log at pauses of a run, so that it can be seen later whether anything of it has changed."""

import threading
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.harness.history import History

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
    """Notes fingerprints in samples.jsonl, from `start` until `stop`; from a database that is away, later."""

    def __init__(self, folder: Path, url: str, every: float = EVERY) -> None:
        self._history = History(folder / "samples.jsonl")
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
            except psycopg.Error:
                continue

    def _look(self) -> None:
        with psycopg.connect(self._url, autocommit=True, connect_timeout=3) as database:
            for merchant, position in database.execute(_ENDS).fetchall():
                count, value = fingerprint(database, merchant, position)
                self._history.note(merchant=merchant, position=position, count=count, hash=value)
