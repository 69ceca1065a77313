"""Questions that every read asks, put to PostgreSQL through libpq itself, and prepared once a connection.

The way through the cursors of Django and psycopg costs four times as much processor time as the question, and
planning it more than running it (bench/RESULTS.md). Time-outs, errors and what watches statements work as
there.
"""

import hashlib
import time
from collections.abc import Callable
from functools import partial, reduce
from typing import Any
from weakref import WeakKeyDictionary

import orjson
import psycopg
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import pq

Row = list[Any]

#: What each connection has prepared: names by statement.
_prepared: WeakKeyDictionary[psycopg.Connection[Any], dict[str, bytes]] = WeakKeyDictionary()
#: SQLSTATEs, or their beginnings, of what may be the name's fault and not the question's. A pooler that gives
#: every statement another session: unknown name (26000), name taken (42P05). A migration under a connection
#: that is kept: other types of the result (0A000) or of what the values are compared with (42).
_OUTDATED = ("26000", "0A000", "42")


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
            raise _error(kept, result)
    if connection.queries_logged:
        connection.queries_log.append({"sql": sql, "time": f"{time.monotonic() - began:.3f}"})
    return [
        [_parsed(result.get_value(row, column)) for column in range(result.nfields)]
        for row in range(result.ntuples)
    ]


def _asked(kept: psycopg.Connection[Any], sql: str, values: list[bytes]) -> pq.abc.PGresult:
    """Prepared, but within a transaction: there a pooler's refusal could not be taken back."""
    if kept.pgconn.transaction_status == pq.TransactionStatus.IDLE:
        names = _prepared.setdefault(kept, {})
        name = names.get(sql) or _prepare(kept, sql, names)
        if name:
            result = kept.pgconn.exec_prepared(name, values)
            if not _sqlstate(result).startswith(_OUTDATED):
                return result
            names[sql] = b""
    return kept.pgconn.exec_params(sql.encode(), values)


def _prepare(kept: psycopg.Connection[Any], sql: str, names: dict[str, bytes]) -> bytes:
    """The name it has from now on; empty where it cannot be prepared.

    The name is the statement's own: behind a pooler that hands sessions around, another process may have
    given it, and must have meant the same.
    """
    if sql in names:
        return b""
    name = b"ask_" + hashlib.sha256(sql.encode()).hexdigest()[:32].encode()
    done = kept.pgconn.prepare(name, sql.encode())
    names[sql] = name if done.status == pq.ExecStatus.COMMAND_OK else b""
    return names[sql]


def _sqlstate(result: pq.abc.PGresult) -> str:
    return (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()


def _parsed(value: bytes | None) -> Any:
    return None if value is None else orjson.loads(value)


def _error(kept: psycopg.Connection[Any], result: pq.abc.PGresult) -> Exception:
    if kept.pgconn.status != pq.ConnStatus.OK:
        return psycopg.OperationalError("the connection was lost")
    return psycopg.errors.error_from_result(result)
