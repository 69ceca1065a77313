"""Whether FIELD_ENCRYPTION_KEYS open what is stored: a sample of each encrypted column."""

from collections.abc import Iterator

from cryptography.fernet import InvalidToken
from django.db import connection
from psycopg import sql

from accounts.encryption import opened
from config.doctor.findings import Finding, bad, ok
from config.resealing import Sealed, sealed

#: Values of a column that are tried: so many of the first rows, and of the last.
TRIED = 20


def keys() -> Iterator[Finding]:
    """Every value that was tried opens, or the columns where one does not are named."""
    tried, lost = 0, []
    for table in sealed():
        for column in table.columns:
            tokens = _sample(table, column)
            closed = sum(not _opens(token) for token in tokens)
            tried += len(tokens)
            if closed:
                lost.append(f"{closed} of {len(tokens)} tried in {table.name}.{column}")
    if lost:
        yield bad(
            f"FIELD_ENCRYPTION_KEYS do not open what is stored: {'; '.join(lost)}",
            "add the key that it was encrypted with, behind the first one; "
            "`manage.py rotate_keys --check` names every value",
        )
    else:
        yield ok(f"FIELD_ENCRYPTION_KEYS open what is stored: {tried} values tried")


def _sample(table: Sealed, column: str) -> list[str]:
    """The tokens of the first rows and of the last ones, by key."""
    some = "(SELECT {key}, {column} FROM {table} WHERE {column} <> '' ORDER BY {key} {order} LIMIT {most})"
    halves = [
        sql.SQL(some).format(
            key=sql.Identifier(table.key),
            column=sql.Identifier(column),
            table=sql.Identifier(table.name),
            order=sql.SQL(order),
            most=sql.Literal(TRIED),
        )
        for order in ("ASC", "DESC")
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ").join(halves).as_string())
        return [str(token) for _, token in cursor.fetchall()]


def _opens(token: str) -> bool:
    try:
        opened(token)
    except InvalidToken:
        return False
    return True
