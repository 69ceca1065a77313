"""Everything that is encrypted, encrypted anew with the first key, so that older keys can be dropped.

Values are walked table by table and row by row in the order of their ids, a batch at a time. A value is
replaced where it is still the one that was read: whoever changed it meanwhile has sealed it with a key of its
own. So it can run beside everything else, be cut off at any moment, and begin again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import Model

from accounts.encryption import EncryptedTextField, SealedTextField, cipher
from events.retrying import once_more

#: Rows that one batch reads at most, and bytes of tokens after which it ends: a kept answer may be long.
BATCH, BYTES = 200, 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sealed:
    """A table with its encrypted columns, by their names in the database."""

    name: str
    key: str
    key_type: str
    columns: tuple[str, ...]

    @classmethod
    def of(cls, model: type[Model]) -> "Sealed | None":
        """What is encrypted of a model; None: nothing."""
        options = model._meta  # noqa: SLF001 - Django documents it under this name
        columns = tuple(
            str(one.column)
            for one in options.concrete_fields
            if isinstance(one, EncryptedTextField | SealedTextField)
        )
        if not columns:
            return None
        key = options.pk
        return cls(options.db_table, str(key.column), str(key.rel_db_type(connection)), columns)


@dataclass(frozen=True, slots=True)
class Value:
    """Where a value stands. It holds nothing of what it is."""

    table: str
    column: str
    id: Any

    def __str__(self) -> str:
        return f"{self.table}.{self.column} of {self.id}"


@dataclass(frozen=True, slots=True)
class _Change:
    """A row's tokens as they were read, and as they shall be, by column; None: it stays."""

    key: Any
    old: list[str | None]
    new: list[str | None]

    @property
    def count(self) -> int:
        return sum(token is not None for token in self.new)


@dataclass(slots=True)
class Found:
    """What a walk has found of the values that it looked at."""

    values: int = 0
    #: Values that an older key alone opens, by table; and how many of them were encrypted anew.
    old: Counter[str] = field(default_factory=Counter)
    renewed: int = 0

    @property
    def left(self) -> int:
        """Values that need an older key still."""
        return self.old.total() - self.renewed


def sealed() -> list[Sealed]:
    """Every table that holds something encrypted, whichever app it is of."""
    tables = (Sealed.of(model) for model in apps.get_models(include_auto_created=True))
    return [table for table in tables if table is not None]


def walk(found: Found, *, renew: bool) -> Iterator[Value]:
    """Look at every value, and encrypt anew what an older key alone opens, if `renew`.

    Yields the values that no key opens. Two statements a batch at most.
    """
    for table in sealed():
        after: Any = None
        while rows := once_more(partial(_rows, table, after)):
            changes, unreadable = _judged(table, rows, found)
            yield from unreadable
            if renew and changes:
                found.renewed += once_more(partial(_replace, table, changes))
            after = rows[-1][0]


def _rows(table: Sealed, after: Any) -> list[tuple[Any, ...]]:
    """The next rows: the key and the token of each column. At least one, where there is one."""
    size = " + ".join(f"coalesce(octet_length({column}), 0)" for column in table.columns)
    columns = ", ".join((table.key, *table.columns))
    beyond = f"WHERE {table.key} > %(after)s" if after is not None else ""
    statement = f"""
    SELECT {columns} FROM (
        SELECT {columns}, sum({size}) OVER (ORDER BY {table.key}) - ({size}) AS before
        FROM (SELECT {columns} FROM {table.name} {beyond} ORDER BY {table.key} LIMIT {BATCH}) AS next
    ) AS summed WHERE before < {BYTES} ORDER BY {table.key}
    """  # noqa: S608 - names of our own tables and columns
    with connection.cursor() as cursor:
        cursor.execute(statement, {"after": after})
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _judged(
    table: Sealed, rows: Iterable[tuple[Any, ...]], found: Found
) -> tuple[list[_Change], list[Value]]:
    """What is to be replaced in these rows, and what cannot be read; both are counted."""
    newest, every = Fernet(settings.FIELD_ENCRYPTION_KEYS[0]), cipher()
    changes, unreadable = [], []
    for key, *tokens in rows:
        change = _Change(key, [None] * len(tokens), [None] * len(tokens))
        for nth, token in enumerate(tokens):
            if not token:  # null, or wiped
                continue
            found.values += 1
            if _opens(newest, token):
                continue
            try:
                change.new[nth] = every.rotate(token.encode()).decode()
            except InvalidToken:
                unreadable.append(Value(table.name, table.columns[nth], key))
            else:
                change.old[nth] = token
        found.old[table.name] += change.count
        if change.count:
            changes.append(change)
    return changes, unreadable


def _opens(key: Fernet, token: str) -> bool:
    try:
        key.decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def _replace(table: Sealed, changes: Sequence[_Change]) -> int:
    """Replace what is still as it was read. Returns how many values."""
    numbered = list(enumerate(table.columns))
    news = ", ".join(f"{column} = coalesce(told.new{nth}, t.{column})" for nth, column in numbered)
    same = " AND ".join(f"(told.old{nth} IS NULL OR t.{column} = told.old{nth})" for nth, column in numbered)
    names = ", ".join(f"old{nth}, new{nth}" for nth, _ in numbered)
    arrays = ", ".join(f"%(old{nth})s::text[], %(new{nth})s::text[]" for nth, _ in numbered)
    # In one order, so that nobody who locks many of them waits for us while we wait for them.
    statement = f"""
    WITH held AS MATERIALIZED (
        SELECT {table.key} FROM {table.name} WHERE {table.key} = ANY (%(ids)s::{table.key_type}[])
        ORDER BY {table.key} FOR NO KEY UPDATE
    )
    UPDATE {table.name} t SET {news}
    FROM unnest(%(ids)s::{table.key_type}[], {arrays}) AS told (id, {names})
    WHERE t.{table.key} = told.id AND told.id IN (SELECT {table.key} FROM held) AND {same}
    RETURNING t.{table.key}
    """  # noqa: S608 - names of our own tables and columns
    values: dict[str, Any] = {"ids": [change.key for change in changes]}
    for nth, _ in numbered:
        values[f"old{nth}"] = [change.old[nth] for change in changes]
        values[f"new{nth}"] = [change.new[nth] for change in changes]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        replaced = {key for (key,) in cursor.fetchall()}
    return sum(change.count for change in changes if change.key in replaced)
