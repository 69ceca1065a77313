"""How PostgreSQL is: its connections, the log's end, and its tables by what the catalog knows of them."""

from collections.abc import Iterator
from typing import Any

from django.db import connection
from prometheus_client.metrics_core import Metric

from config.metrics.families import counter, gauge, single
from events.models import Event

# What another role's sessions are and do is not shown to ours, unless it may read all statistics.
_SESSIONS = """
SELECT CASE WHEN application_name LIKE 'parcelwire %' THEN substr(application_name, 12) ELSE 'other' END,
       coalesce(state, 'unknown'), count(*)
FROM pg_stat_activity
WHERE coalesce(backend_type, 'client backend') = 'client backend' AND datname = current_database()
GROUP BY 1, 2
"""
_SERVER = """
SELECT (SELECT sum(numbackends) FROM pg_stat_database),
       current_setting('max_connections')::integer
           - current_setting('superuser_reserved_connections')::integer,
       (SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float8
        FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = current_database()),
       (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database())
"""
# Pages as the last VACUUM or ANALYZE left them: nobody looks into the files.
_TABLES = """
SELECT s.relname, s.n_live_tup, s.n_dead_tup,
       (c.relpages + coalesce(t.relpages, 0) + (
           SELECT coalesce(sum(i.relpages), 0) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
           WHERE x.indrelid = c.oid
       )) * current_setting('block_size')::bigint
FROM pg_stat_user_tables s
JOIN pg_class c ON c.oid = s.relid
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
WHERE s.schemaname = current_schema()
"""


def postgresql() -> Iterator[Metric]:
    """Four statements, and none reads more of our tables than the end of the log."""
    position = Event.objects.order_by("-position").values_list("position", flat=True).first()
    yield single("log_position", "The position of the newest event in the log", position or 0)
    sessions = _rows(_SESSIONS)
    yield gauge(
        "database_connections",
        "Connections to this database by the process that holds them, and what it does",
        ["process", "state"], [([process, state], count) for process, state, count in sessions],
    )  # fmt: skip
    ((used, most, longest, deadlocks),) = _rows(_SERVER)
    yield single("database_server_connections", "Connections to the server, of whoever", used)
    yield single("database_server_connections_max", "Connections that the server takes", most)
    yield single("database_longest_transaction_seconds", "Age of the oldest open transaction", longest)
    yield counter("database_deadlocks", "Deadlocks of this database", [], [([], deadlocks or 0)])
    tables = _rows(_TABLES)
    yield gauge(
        "table_rows", "Rows by table, estimated", ["table"], [([t], rows) for t, rows, _, _ in tables]
    )
    yield gauge(
        "table_dead_rows", "Rows that wait for VACUUM by table, estimated", ["table"],
        [([table], dead) for table, _, dead, _ in tables],
    )  # fmt: skip
    yield gauge(
        "table_bytes", "Size by table with its indexes, as VACUUM last saw it", ["table"],
        [([table], size) for table, _, _, size in tables],
    )  # fmt: skip


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
