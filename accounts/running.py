"""A statement that PostgreSQL works on while its process does something else.

It is sent through libpq itself and prepared once a connection (`accounts.prepared`). One may run at a time on
a connection, and nothing else may use that until its rows were taken.
"""

import re
import select
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakSet

import psycopg
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import pq

from accounts.prepared import error, is_outdated, name_of

#: What a statement's placeholder stands for.
Value = None | bool | int | float | str | bytes | UUID | Sequence[UUID] | Sequence[int]
#: A row's columns in PostgreSQL's binary form.
Row = list[bytes | None]
_BINARY = 1
#: Connections whose plans hold for tables of any size.
_steady: WeakSet[psycopg.Connection[Any]] = WeakSet()

T = TypeVar("T")


class Running:
    """A statement that was sent. Raises django.db.Error, as its methods do."""

    def __init__(self, sql: str, values: Mapping[str, Value]) -> None:
        connection = connections[DEFAULT_DB_ALIAS]
        connection.validate_no_broken_transaction()
        connection.ensure_connection()
        self._connection: BaseDatabaseWrapper = connection
        self._kept: psycopg.Connection[Any] = connection.connection
        self._named = sql
        self._sql, names = _numbered(sql)
        self._values = [_text(values[name]) for name in names]
        self._results: list[pq.abc.PGresult] = []
        self._began = time.monotonic()
        with connection.wrap_database_errors:
            begin_transaction(self._kept)
            _steady_plans(self._kept)
            self._name = name_of(self._kept, self._sql)
            self._send()

    def fileno(self) -> int:
        """The descriptor that can be read once there may be more of the answer."""
        return self._kept.pgconn.socket

    def is_done(self) -> bool:
        """Whether `rows` would not wait. To be asked whenever `fileno` can be read."""
        pgconn = self._kept.pgconn
        with self._connection.wrap_database_errors:
            pgconn.consume_input()
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    return not self._is_sent_anew()
                self._results.append(result)
        return False

    def rows(self) -> list[Row]:
        """Its rows, waited for if need be."""
        while not self.is_done():
            wait_for(self.fileno(), select.POLLIN)
        (result,) = self._results
        with self._connection.wrap_database_errors:
            if result.status not in {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK}:
                raise error(self._kept, result)
        if self._connection.queries_logged:
            took = time.monotonic() - self._began
            self._connection.queries_log.append({"sql": self._named, "time": f"{took:.3f}"})
        return [
            [result.get_value(row, column) for column in range(result.nfields)]
            for row in range(result.ntuples)
        ]

    def _send(self) -> None:
        pgconn = self._kept.pgconn
        if self._name:
            pgconn.send_query_prepared(self._name, self._values, result_format=_BINARY)
        else:
            pgconn.send_query_params(self._sql.encode(), self._values, result_format=_BINARY)
        # A long one may not fit into the socket at once; what the server says meanwhile must be read.
        while pgconn.flush():
            if wait_for(pgconn.socket, select.POLLIN | select.POLLOUT) & ~select.POLLOUT:
                pgconn.consume_input()

    def _is_sent_anew(self) -> bool:
        """Where only the prepared name was refused, it is sent once more without."""
        if not self._name or not is_outdated(self._kept, self._sql, self._results[-1]):
            return False
        self._name, self._results = b"", []
        self._send()
        return True


#: Work in steps: what it yields is under way, and it wants to go on when that is done.
Job = Generator[Running, None, T]


def running(sql: str, values: Mapping[str, Value]) -> Job[list[Row]]:
    """The rows of one statement, whose placeholders are `%(name)s`. Values go as text beside it."""
    sent = Running(sql, values)
    try:
        yield sent
    except GeneratorExit:
        # Nobody waits for it any more: the connection is to be free again, and what it says is nobody's.
        with suppress(Error):
            sent.rows()
        raise
    return sent.rows()


def begin_transaction(kept: psycopg.Connection[Any]) -> None:
    """Within `atomic`, psycopg begins the transaction before its first statement, which ours may be."""
    if not kept.autocommit and kept.pgconn.transaction_status == pq.TransactionStatus.IDLE:
        begun = kept.pgconn.exec_(b"BEGIN")
        if begun.status != pq.ExecStatus.COMMAND_OK:
            raise error(kept, begun)


def wait_for(descriptor: int, wanted: int) -> int:
    """Wait for these bits of poll(2): which are seen. select(2) has no place for a thousand open sockets."""
    poll = select.poll()
    poll.register(descriptor, wanted)
    return poll.poll()[0][1]


def to_end(job: Job[T]) -> T:
    """Do all of a job now."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            result: T = end.value
            return result


class Desk:
    """A connection's work beside other things: one job at a time, gone on with as its statements are done."""

    def __init__(self) -> None:
        self._job: Job[None] | None = None
        self._under_way: Running | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a job is not at its end."""
        return self._job is not None

    def fileno(self) -> int | None:
        """The descriptor to wait for before `is_free` is asked again; None: there is none."""
        return self._under_way.fileno() if self._under_way else None

    def begin(self, job: Job[None]) -> None:
        """Take on a job, if it is free. Raises what the job raises, as `is_free` does."""
        self._job = job
        self._go_on()

    def is_free(self) -> bool:
        """Whether another job can begin. Until then the one there is goes on, as far as it need not wait."""
        while self._job and self._under_way and _is_done(self._under_way):
            self._go_on()
        return self._job is None

    def close(self) -> None:
        """Wait for the statement that is under way, and leave the job where it is."""
        if self._job:
            self._job.close()
        self._job = self._under_way = None

    def _go_on(self) -> None:
        if self._job:
            self._under_way = next(self._job, None)
            if self._under_way is None:
                self._job = None


def _steady_plans(kept: psycopg.Connection[Any]) -> None:
    """Have what is prepared on this connection found through indexes.

    A plan is kept for as long as the connection: one that read the whole of a table that was small then would
    go on doing so when that has a million rows. Not within a transaction, whose end might take it back.
    """
    if kept not in _steady and kept.pgconn.transaction_status == pq.TransactionStatus.IDLE:
        done = kept.pgconn.exec_(b"SET enable_seqscan = off")
        if done.status != pq.ExecStatus.COMMAND_OK:
            raise error(kept, done)
        _steady.add(kept)


def _is_done(running: Running) -> bool:
    try:
        return running.is_done()
    except Error:
        # Whoever waits for it hears that.
        return True


@cache
def _numbered(sql: str) -> tuple[str, list[str]]:
    """The same with $1, $2 and so on, and the names that these stand for."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    return re.sub(r"%\((\w+)\)s", number, sql).replace("%%", "%"), names


def _text(value: Value) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, list | tuple):
        return b"{%s}" % ",".join(map(str, value)).encode()
    return str(value).encode()
