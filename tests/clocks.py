"""The database's clock, held by a test: nothing runs out while a busy machine is slow."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

#: What the product asks for the time by.
_NAMES = ("clock_timestamp", "statement_timestamp", "transaction_timestamp", "now")


@contextmanager
def held_clock() -> Iterator[None]:
    """Within the block it is, for this connection, a minute later than it was, and stays so.

    For a test in a transaction. What columns get by default is still of the real clock: less than a minute
    ago.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() + interval '1 minute', current_setting('search_path')")
        now, path = cursor.fetchone()
        cursor.execute("CREATE SCHEMA held")
        for name in _NAMES:
            cursor.execute(
                f"CREATE FUNCTION held.{name}() RETURNS timestamptz LANGUAGE sql STABLE"
                f" AS 'SELECT timestamptz ''{now.isoformat()}'''"
            )
        cursor.execute(f"SET LOCAL search_path = held, pg_catalog, {path}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL search_path = {path}")
            cursor.execute("DROP SCHEMA held CASCADE")
