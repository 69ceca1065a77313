"""Rows that go into a table by COPY while the process makes more of them.

PostgreSQL takes COPY's rows for about half of what the same rows cost in an INSERT. It takes them as they
come: what is written here is on its way at once, and `Copying` waits only at its end.
"""

import select
import time
from types import TracebackType
from typing import Any, Self

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import pq

from accounts.prepared import error
from accounts.running import begin_transaction, wait_for

#: Signature, no flags, no extension of the header (PostgreSQL's manual, COPY, "Binary Format"); the end.
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
#: Bytes that are worth a system call of their own.
_WORTH_SENDING = 32 * 1024


class Copying:
    """A COPY of one table's rows in binary form (`accounts.packing`), as a context.

    Within it nothing else may use the connection. Raises django.db.Error at its beginning and at its end; an
    exception within it ends the COPY, and the transaction is lost.
    """

    def __init__(self, table: str, columns: str) -> None:
        self._sql = f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)"
        self._waiting: list[bytes] = [_HEADER]
        self._size = 0
        self._refused = False

    def __enter__(self) -> Self:
        self._connection = connections[DEFAULT_DB_ALIAS]
        self._connection.validate_no_broken_transaction()
        self._connection.ensure_connection()
        self._kept: psycopg.Connection[Any] = self._connection.connection
        self._began = time.monotonic()
        with self._connection.wrap_database_errors:
            begin_transaction(self._kept)
            begun = self._kept.pgconn.exec_(self._sql.encode())
            if begun.status != pq.ExecStatus.COPY_IN:
                raise error(self._kept, begun)
        return self

    def write(self, row: bytes) -> None:
        """One row, or several."""
        self._waiting.append(row)
        self._size += len(row)
        if self._size >= _WORTH_SENDING:
            self._send()

    def send(self) -> None:
        """Have PostgreSQL work on all that was written, as far as it takes it without being waited for."""
        self._send()

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        pgconn = self._kept.pgconn
        if kind is not None:
            self._end(b"given up")
            return
        self._waiting.append(_TRAILER)
        with self._connection.wrap_database_errors:
            self._send()
            for result in self._end(None):
                if result.status != pq.ExecStatus.COMMAND_OK:
                    raise error(self._kept, result)
            if pgconn.status != pq.ConnStatus.OK:
                raise psycopg.OperationalError("the connection was lost")
        if self._connection.queries_logged:
            took = time.monotonic() - self._began
            self._connection.queries_log.append({"sql": self._sql, "time": f"{took:.3f}"})

    def _send(self) -> None:
        """Hand over what waits. What the server has refused already says why at the end."""
        rows, self._waiting, self._size = b"".join(self._waiting), [], 0
        pgconn = self._kept.pgconn
        try:
            if not self._refused and rows:
                pgconn.put_copy_data(rows)
            pgconn.flush()
        except psycopg.OperationalError:
            self._refused = True

    def _end(self, why: bytes | None) -> list[pq.abc.PGresult]:
        pgconn = self._kept.pgconn
        results: list[pq.abc.PGresult] = []
        try:
            if not self._refused:
                pgconn.put_copy_end(why)
            while pgconn.flush():
                if wait_for(pgconn.socket, select.POLLIN | select.POLLOUT) & ~select.POLLOUT:
                    pgconn.consume_input()
        except psycopg.OperationalError:
            self._refused = True
        while True:
            while pgconn.is_busy():
                wait_for(pgconn.socket, select.POLLIN)
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:
                return results
            results.append(result)
