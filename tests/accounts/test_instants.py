"""Instants come from the database as they went there."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from accounts.instants import Instants

pytestmark = pytest.mark.django_db
MOMENTS = [
    datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC),
    datetime(2026, 3, 1, 12, 0, 0, 100_000, tzinfo=UTC),
    datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
]


def read(sql: str, *values: datetime | list[datetime | None]) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        (found,) = cursor.fetchone()
    return found


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_instant_is_read_to_the_microsecond(moment: datetime) -> None:
    found = read("SELECT %s::timestamptz", moment)
    assert (found, getattr(found, "tzinfo", None)) == (moment, UTC)


def test_so_are_many_of_them_and_none() -> None:
    assert read("SELECT %s::timestamptz[]", [MOMENTS[0], None, MOMENTS[2]]) == [MOMENTS[0], None, MOMENTS[2]]
    assert read("SELECT NULL::timestamptz") is None


def test_whatever_the_zone_and_the_style_of_the_session_it_is_in_utc() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'Asia/Kathmandu'")
        cursor.execute("SELECT %s::timestamptz", [MOMENTS[0]])
        (found,) = cursor.fetchone()
    assert (found, found.utcoffset()) == (MOMENTS[0], timedelta())


def test_what_python_has_no_instant_for_is_an_error() -> None:
    loader = Instants(1184)
    for written in (b"infinity", b"12026-03-01 12:00:00+00", b"0044-03-15 12:00:00+00 BC"):
        with pytest.raises(psycopg.DataError):
            loader.load(written)


def test_an_instant_that_only_another_zone_has_is_read_in_that_zone() -> None:
    loader = Instants(1184)
    for written in (b"9999-12-31 23:59:59-05", b"0001-01-01 00:00:00+07"):
        assert loader.load(written) == datetime.fromisoformat(written.decode())


def test_connections_use_it() -> None:
    connection.ensure_connection()
    assert connection.connection.adapters.get_loader(1184, 0) is Instants
