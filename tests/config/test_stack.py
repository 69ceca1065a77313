"""The plugin that gives the tests their servers."""

import os

import pytest
import redis
from django.conf import settings
from django.core.management.color import no_style
from django.db import ProgrammingError, connection


@pytest.mark.django_db(transaction=True)
def test_tables_are_emptied_between_tests_though_their_triggers_forbid_it() -> None:
    with pytest.raises(ProgrammingError), connection.cursor() as cursor:
        cursor.execute("TRUNCATE events_event CASCADE")
    statements = connection.ops.sql_flush(no_style(), ["events_event"], allow_cascade=True)
    connection.ops.execute_sql_flush(statements)


def test_each_worker_of_the_tests_has_a_redis_database_of_its_own() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    expected = f"/{int(worker.removeprefix('gw')) + 1}" if worker else "/0"
    if not settings.REDIS_URL.endswith(expected):
        pytest.skip("REDIS_URL was given")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert client.ping()


def test_the_database_takes_as_many_connections_as_the_tests_open(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_connections")
        assert int(cursor.fetchone()[0]) >= 100
