"""Questions that every read asks, put to PostgreSQL through libpq itself, and prepared once a connection.

The way through the cursors of Django and psycopg costs four times as much processor time as the question, and
planning it more than running it (bench/RESULTS.md). Time-outs, errors and what watches statements work as
there.
"""

import time
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import orjson
import psycopg
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import pq

from accounts.prepared import error, is_outdated, name_of

Row = list[Any]


def ask(sql: str, *values: str) -> list[Row]:
    """The rows of a SELECT whose columns are all JSON, parsed. Placeholders are $1, $2 and so on.

    A whole number beyond 64 bits comes back as a float: nothing that is asked for so shows one.

    Values go as text beside the statement. For reading alone: within `atomic` it opens no transaction, and
    sees what the block has written. Instead of asking first whether a kept connection still works, as Django
    does for a cursor, it asks once more where that was lost. Raises django.db.Error.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    connection.validate_no_broken_transaction()
    was_kept = connection.connection is not None
    connection.ensure_connection()
    try:
        rows = _watched(connection, sql, values)
    except OperationalError:
        if not was_kept or connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
        connection.ensure_connection()
        rows = _watched(connection, sql, values)
    vars(connection)["health_check_done"] = True  # the stubs do not know it
    return rows


def _watched(connection: BaseDatabaseWrapper, sql: str, values: tuple[str, ...]) -> list[Row]:
    send: Callable[..., list[Row]] = reduce(_wrapped, connection.execute_wrappers, _send)
    return send(sql, values, False, {"connection": connection, "cursor": None})  # noqa: FBT003 (Django's call)


def _wrapped(send: Callable[..., Any], wrapper: Callable[..., Any]) -> Callable[..., Any]:
    return partial(wrapper, send)


def _send(sql: str, values: tuple[str, ...], _many: object, context: dict[str, Any]) -> list[Row]:
    began = time.monotonic()
    connection: BaseDatabaseWrapper = context["connection"]
    kept: psycopg.Connection[Any] = connection.connection
    with connection.wrap_database_errors:
        result = _asked(kept, sql, [value.encode() for value in values])
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise error(kept, result)
    if connection.queries_logged:
        connection.queries_log.append({"sql": sql, "time": f"{time.monotonic() - began:.3f}"})
    return [
        [_parsed(result.get_value(row, column)) for column in range(result.nfields)]
        for row in range(result.ntuples)
    ]


def _asked(kept: psycopg.Connection[Any], sql: str, values: list[bytes]) -> pq.abc.PGresult:
    name = name_of(kept, sql)
    if name:
        result = kept.pgconn.exec_prepared(name, values)
        if not is_outdated(kept, sql, result):
            return result
    return kept.pgconn.exec_params(sql.encode(), values)


def _parsed(value: bytes | None) -> Any:
    return None if value is None else orjson.loads(value)
