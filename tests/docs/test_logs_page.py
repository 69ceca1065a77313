"""docs/logs.md: a server that heeds it is as discreet as the embedded one; it names every field."""

import re
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from config.logs.lines import FIELDS
from config.servers import _DISCREET
from tests.docs.blocks import blocks_for
from tests.docs.documents import page, table


@pytest.fixture
def superuser(db: None) -> Iterator[psycopg.Connection]:
    """Of the test's own server, which is as it was afterwards."""
    parameters = connection.get_connection_params()
    with psycopg.connect(
        **{name: parameters[name] for name in ("host", "port", "user", "password", "dbname")}, autocommit=True
    ) as session:
        yield session
        for name in _DISCREET:
            session.execute(f"ALTER SYSTEM RESET {name}")


def test_what_the_page_has_a_server_do_is_what_the_embedded_one_does(superuser: psycopg.Connection) -> None:
    for block in blocks_for(__name__):
        for statement in filter(str.strip, block.text.split(";")):  # as psql sends them
            superuser.execute(statement)
    found = superuser.execute("SELECT name, setting FROM pg_file_settings WHERE name LIKE 'log%'").fetchall()
    assert dict(found).items() >= _DISCREET.items()


def test_a_statement_that_fails_is_not_in_the_log_of_the_embedded_server(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [[*_DISCREET]])
        assert dict(cursor.fetchall()) == _DISCREET


def test_the_page_names_every_field() -> None:
    named = {name for told, _ in table(page("logs"), "field", "") for name in re.findall(r"\w+", told)}
    assert set(FIELDS) <= named
