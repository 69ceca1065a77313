"""How many pages this process has PostgreSQL look at; how many statements it sends through Django."""

from django.db import connection

# Its numbers reach the view at the end of a transaction, and else only once in a while.
_FLUSH = "SELECT pg_stat_force_next_flush()"
_PAGES = """
SELECT coalesce(sum(hits), 0), coalesce(sum(reads), 0) FROM pg_stat_get_backend_io(pg_backend_pid())
WHERE object = 'relation'
"""


def pages() -> tuple[int, int]:
    """So far: pages found in PostgreSQL's own buffers, and pages that the system was asked for."""
    with connection.cursor() as cursor:
        cursor.execute(_FLUSH)
        cursor.execute(_PAGES)
        found, asked = cursor.fetchone()
    return int(found), int(asked)
