"""PostgreSQL: whether it answers, how old it is, and whether it keeps what it was told."""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from config.doctor.findings import Finding, bad, ok, warn

#: The oldest that is supported.
OLDEST = 15
#: The share of connections above which somebody should look.
CROWDED = 0.9


def server() -> Iterator[Finding]:
    """It answers, is new enough, and can be written to."""
    version, major, standby, encoding, database = _row(
        "SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000,"
        " pg_is_in_recovery(), pg_encoding_to_char(encoding), datname"
        " FROM pg_database WHERE datname = current_database()"
    )
    found = f"PostgreSQL {version.split()[0]} at {_where()}, database {database}"
    if major < OLDEST:
        yield bad(found, f"Parcelwire needs PostgreSQL {OLDEST} or newer: upgrade it")
    elif standby:
        yield bad(f"{found}, is a standby: nothing can be written", "point DATABASE_URL at the primary")
    elif encoding != "UTF8":
        yield bad(f"{found}, has the encoding {encoding}", "move to a database with the encoding UTF8")
    else:
        yield ok(found)


def durability() -> Iterator[Finding]:
    """What was confirmed to a merchant or a carrier's answer is on disk."""
    names = ("fsync", "synchronous_commit", "full_page_writes")
    values = _row("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))
    off = [name for name, value in zip(names, values, strict=True) if value == "off"]
    if off:
        yield bad(
            f"{', '.join(off)} off: a crash loses what was confirmed",
            "set it on in postgresql.conf, or for the role and the database where it was set",
        )
    else:
        yield ok(f"fsync {values[0]}, synchronous_commit {values[1]}, full_page_writes {values[2]}")


def connections() -> Iterator[Finding]:
    """There is room for more connections."""
    # pg_stat_activity would show a plain role its own alone.
    used, most = _row(
        "SELECT sum(numbackends)::int, current_setting('max_connections')::int FROM pg_stat_database"
    )
    found = f"{used} of {most} connections are used"
    if used > CROWDED * most:
        yield warn(found, "raise max_connections, or start fewer processes and WEB_THREADS")
    else:
        yield ok(found)


def _where() -> str:
    at = connection.settings_dict
    return f"{at['HOST'] or 'a local socket'}{':' if at['PORT'] else ''}{at['PORT']}"


def _row(statement: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row: tuple[Any, ...] = cursor.fetchone()
    return row
