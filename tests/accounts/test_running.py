"""Statements that run while their process does something else, on a real PostgreSQL."""

import os
import resource
import select
import threading
from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest
from django.db import DataError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.running import Desk, Job, Row, Running, running, to_end, wait_for
from events.retrying import once_more_running

pytestmark = pytest.mark.django_db(transaction=True)


def asked(sql: str, **values: object) -> list[Row]:
    return to_end(running(sql, values))  # type: ignore[arg-type]


def prepared() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE name LIKE 'ask_%'")
        return [row[0] for row in cursor.fetchall()]


def end_session() -> None:
    """As a restart of the server does, seen from another session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]

    def end() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])
        connection.close()

    other = threading.Thread(target=end)
    other.start()
    other.join()


def test_values_go_as_text_and_columns_come_as_bytes() -> None:
    key = uuid4()
    sql = "SELECT %(a)s::int, %(b)s::text, %(key)s::uuid, %(no)s::text, %(yes)s::boolean, 5 %% 3, %(a)s::text"
    (row,) = asked(sql, a=7, b="x y", key=key, no=None, yes=True)
    assert row == [b"\0\0\0\7", b"x y", key.bytes, None, b"\1", b"\0\0\0\2", b"7"]


def test_lists_go_as_arrays() -> None:
    keys = [uuid4(), uuid4()]
    assert asked("SELECT unnest(%(keys)s::uuid[])", keys=keys) == [[each.bytes] for each in keys]
    assert asked("SELECT unnest(%(keys)s::uuid[])", keys=[]) == []


def test_it_says_when_it_is_done_without_waiting() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7, 7)")
    held = connection.connection
    connection.connection = None
    try:
        sent = Running("SELECT pg_advisory_lock(7, 7)", {})
        assert not sent.is_done()
        held.execute("SELECT pg_advisory_unlock(7, 7)")
        wait_for(sent.fileno(), select.POLLIN)
        assert sent.is_done()
        assert len(sent.rows()) == 1
    finally:
        held.close()


def test_it_is_prepared_once_a_connection_but_never_in_a_transaction() -> None:
    with transaction.atomic():
        asked("SELECT 1 + %(a)s::integer", a=1)
        assert prepared() == []
    for _ in range(3):
        assert asked("SELECT 1 + %(a)s::integer", a=1) == [[b"\0\0\0\2"]]
    assert prepared() == ["SELECT 1 + $1::integer"]


def test_in_a_transaction_it_is_part_of_it() -> None:
    asked("CREATE TABLE notes (text text)")
    try:
        with transaction.atomic():
            asked("INSERT INTO notes VALUES (%(text)s)", text="first")
            asked("INSERT INTO notes VALUES (%(text)s)", text="second")
            transaction.set_rollback(True)
        assert asked("SELECT * FROM notes") == []
    finally:
        asked("DROP TABLE notes")


def test_a_session_that_forgot_what_was_prepared_is_asked_all_the_same() -> None:
    asked("SELECT 2")
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert asked("SELECT 2") == asked("SELECT 2") == [[b"\0\0\0\2"]]


def test_a_value_longer_than_a_socket_takes_at_once_arrives_whole() -> None:
    long = "x" * 20_000_000
    assert asked("SELECT length(%(long)s::text)", long=long) == [[(20_000_000).to_bytes(4, "big")]]


@pytest.fixture
def _a_thousand_open_files() -> Iterator[None]:
    """As many as a pump has sockets open: a connection that is made now gets a number above 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_000), hard))
    connection.close()
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_100)]
    yield
    connection.close()
    for descriptor in opened:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("_a_thousand_open_files")
def test_a_connection_that_is_made_beside_a_thousand_sockets_works() -> None:
    assert asked("SELECT length(%(long)s::text)", long="x" * 20_000_000)
    assert connection.connection.fileno() > 1024


def test_an_error_of_the_server_is_djangos_and_leaves_the_connection_usable() -> None:
    with pytest.raises(DataError):
        asked("SELECT %(a)s::integer", a="seven")
    assert asked("SELECT 1") == [[b"\0\0\0\1"]]


def test_a_session_that_is_ended_is_an_operational_error() -> None:
    asked("SELECT 1")
    end_session()
    with pytest.raises(OperationalError):
        asked("SELECT 1")
    connection.close()


def test_a_job_that_lost_its_session_is_begun_once_more() -> None:
    def job() -> Job[list[Row]]:
        return (yield from running("SELECT 3", {}))

    to_end(job())
    end_session()
    assert to_end(once_more_running(job)) == [[b"\0\0\0\3"]]


def test_a_job_that_nobody_waits_for_any_more_leaves_the_connection_free() -> None:
    job = running("SELECT pg_sleep(0.01)", {})
    next(job)
    job.close()
    assert asked("SELECT 1") == [[b"\0\0\0\1"]]


def test_a_job_that_is_left_while_its_statement_fails_is_not_begun_once_more() -> None:
    def job() -> Job[None]:
        yield from running("SELECT pg_sleep(10)", {})

    with closing(Desk()) as desk:
        asked("SET statement_timeout = 200")
        desk.begin(once_more_running(job))
    asked("SET statement_timeout = 0")
    assert asked("SELECT 1") == [[b"\0\0\0\1"]]


def test_it_is_among_the_queries_that_are_captured() -> None:
    with CaptureQueriesContext(connection) as captured:
        asked("SELECT %(a)s::integer", a=1)
    assert [each["sql"] for each in captured] == ["SELECT %(a)s::integer"]
