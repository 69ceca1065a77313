"""Which statements a connection has prepared: planned once, and then asked for by name."""

import hashlib
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import pq

#: What each connection has prepared: names by statement.
_prepared: WeakKeyDictionary[psycopg.Connection[Any], dict[str, bytes]] = WeakKeyDictionary()
#: SQLSTATEs, or their beginnings, of what may be the name's fault and not the question's. A pooler that gives
#: every statement another session: unknown name (26000), name taken (42P05). A migration under a connection
#: that is kept: other types of the result (0A000) or of what the values are compared with (42).
_OUTDATED = ("26000", "0A000", "42")


def name_of(kept: psycopg.Connection[Any], sql: str) -> bytes:
    """The name under which this connection has it prepared, now if not before; empty: it cannot be.

    Not within a transaction, where a pooler's refusal could not be taken back.

    The name is the statement's own: behind a pooler that hands sessions around, another process may have
    given it, and must have meant the same.
    """
    if kept.pgconn.transaction_status != pq.TransactionStatus.IDLE:
        return b""
    names = _prepared.setdefault(kept, {})
    if sql not in names:
        name = b"ask_" + hashlib.sha256(sql.encode()).hexdigest()[:32].encode()
        done = kept.pgconn.prepare(name, sql.encode())
        names[sql] = name if done.status == pq.ExecStatus.COMMAND_OK else b""
    return names[sql]


def is_outdated(kept: psycopg.Connection[Any], sql: str, result: pq.abc.PGresult) -> bool:
    """Whether this answer may be the name's fault: then the name is forgotten, and it is to be asked anew."""
    sqlstate = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    if not sqlstate.startswith(_OUTDATED):
        return False
    _prepared[kept][sql] = b""
    return True


def error(kept: psycopg.Connection[Any], result: pq.abc.PGresult) -> Exception:
    """psycopg's error for a result that is none."""
    if kept.pgconn.status != pq.ConnStatus.OK:
        return psycopg.OperationalError("the connection was lost")
    return psycopg.errors.error_from_result(result)
