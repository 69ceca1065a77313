"""What a soak looks at every few seconds: processes, what is due, tables, sessions. Into soak.jsonl."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.faults.harness.history import History
from tests.faults.harness.stack import Stack
from tests.faults.soak.memory import as_json, busy, processes

#: Seconds between two looks.
EVERY = 5.0
#: Seconds for which what is longest due, and nobody's whose lease holds, has been so; null: nothing is.
#: A delivery that waits in turn behind another of its parcel counts as well.
_DUE = """
SELECT
    (SELECT extract(epoch FROM clock_timestamp() - min(next_poll_at))::float FROM trackers_watch
     WHERE next_poll_at < clock_timestamp() AND (claim_id IS NULL OR claimed_until < clock_timestamp())
    ) AS poll,
    (SELECT extract(epoch FROM clock_timestamp() - min(delivery.next_attempt_at))::float
     FROM webhooks_delivery AS delivery JOIN webhooks_endpoint AS endpoint ON endpoint.id = endpoint_id
     WHERE delivery.state = 'pending' AND endpoint.state = 'active'
       AND delivery.next_attempt_at < clock_timestamp()
       AND (delivery.claim_id IS NULL OR delivery.claimed_until < clock_timestamp())
    ) AS delivery
"""
_TABLES = """
SELECT relname AS name, n_live_tup AS live, n_dead_tup AS dead, autovacuum_count AS vacuums,
       pg_total_relation_size(relid) AS bytes
FROM pg_stat_user_tables WHERE n_live_tup + n_dead_tup > 0 ORDER BY relname
"""
_SESSIONS = """
SELECT count(*) FILTER (WHERE backend_type = 'client backend') AS sessions,
       coalesce(max(age(backend_xmin)), 0) AS xmin_age,
       coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)
           FILTER (WHERE backend_type = 'client backend')), 0)::float AS longest
FROM pg_stat_activity WHERE pid <> pg_backend_pid()
"""
_LENGTHS = """
SELECT (SELECT coalesce(max(position), 0) FROM events_event) AS events,
       (SELECT count(*) FROM webhooks_message) AS messages,
       (SELECT count(*) FROM webhooks_delivery WHERE state = 'delivered') AS delivered,
       (SELECT count(*) FROM webhooks_delivery WHERE state = 'pending') AS pending
"""


class Sampling:
    """Notes a sample each EVERY seconds, from `start` until `stop`."""

    def __init__(self, stack: Stack, history: History, every: float = EVERY) -> None:
        self._stack = stack
        self._history = history
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._database: psycopg.Connection[dict[str, Any]] | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()
        if self._database:
            self._database.close()

    def _go_on(self) -> None:
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._every, time.monotonic())
            self._history.note(
                processes=[as_json(one) for one in processes(self._stack)],
                busy=busy(),
                database=self._rows(),
            )

    def _rows(self) -> Mapping[str, Any] | None:
        """None while the database is away."""
        try:
            if self._database is None:
                self._database = psycopg.connect(
                    self._stack.url_of("postgres"),
                    autocommit=True,
                    connect_timeout=3,
                    application_name="soak",
                    row_factory=dict_row,
                    options="-c statement_timeout=10000",
                )
            return look(self._database)
        except psycopg.Error:
            if self._database:
                self._database.close()
            self._database = None
            return None


def look(database: psycopg.Connection[dict[str, Any]]) -> dict[str, Any]:
    """What is due, of sessions and of tables, at this moment."""
    one = {
        name: database.execute(statement).fetchone() or {}
        for name, statement in (("due", _DUE), ("sessions", _SESSIONS), ("lengths", _LENGTHS))
    }
    return {**one, "tables": database.execute(_TABLES).fetchall()}
