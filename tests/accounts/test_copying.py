"""Rows that go into a table by COPY, on a real PostgreSQL."""

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import packing
from accounts.copying import Copying

pytestmark = pytest.mark.django_db(transaction=True)
COLUMNS = "word, said, at, told"


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE copied (word varchar(40) PRIMARY KEY, said bytea, at timestamptz, told jsonb)"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE copied")


def row(word: str, said: bytes = b"", at: datetime | None = None, told: bytes = b"{}") -> bytes:
    columns = (packing.text(word), packing.octets(said), packing.timestamp(at), packing.jsonb(told))
    return b"\0\4" + b"".join(columns)


def copied() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT word, said, at, told::text FROM copied ORDER BY word")
        return [(word, bytes(said), at, told) for word, said, at, told in cursor.fetchall()]


def copy(*rows: bytes, then: Callable[[], object] = int) -> None:
    with transaction.atomic(), Copying("copied", COLUMNS) as copying:
        for one in rows:
            copying.write(one)
        then()


def test_values_arrive_as_they_were() -> None:
    at = datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    copy(row("a\tb\\N", b"\0\xff", at, b'{"name":"Zo\xc3\xab \\"x\\""}'), row("b"))
    assert copied() == [("a\tb\\N", b"\0\xff", at, '{"name": "Zoë \\"x\\""}'), ("b", b"", None, "{}")]


def test_more_than_a_socket_holds_arrives_whole() -> None:
    copy(*(row(f"{nth:03}", os.urandom(100_000)) for nth in range(100)))
    assert len(copied()) == 100


def test_it_counts_as_one_statement() -> None:
    with CaptureQueriesContext(connection) as captured:
        copy(row("a"), row("b"))
    assert [query["sql"].split()[0] for query in captured.captured_queries] == ["BEGIN", "COPY", "COMMIT"]


def test_a_row_that_is_there_already_is_an_integrity_error_and_takes_all_back() -> None:
    with pytest.raises(IntegrityError):
        copy(row("a"), *(row(f"{nth:03}", os.urandom(100_000)) for nth in range(100)), row("a"))
    assert copied() == []


@pytest.mark.parametrize("word", ["\x00", "\ud800", "too long" * 10])
def test_what_no_column_takes_is_a_data_error(word: str) -> None:
    with pytest.raises(DataError):
        copy(row(word))
    copy(row("a"))
    assert len(copied()) == 1


def test_an_error_beside_it_ends_the_copy_and_leaves_the_connection_whole() -> None:
    with pytest.raises(ZeroDivisionError):
        copy(row("a"), then=lambda: 1 / 0)
    copy(row("b"))
    assert [word for word, *_ in copied()] == ["b"]


def test_a_lost_connection_is_an_operational_error() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]

    def end_session() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        connection.close()

    def end_it() -> None:
        other = threading.Thread(target=end_session)
        other.start()
        other.join()

    with pytest.raises(OperationalError):
        copy(row("a"), then=end_it)
    connection.close()
    assert copied() == []
