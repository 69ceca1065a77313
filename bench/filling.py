"""Tables without their indexes while very many rows are written: indexes are made faster than kept."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

# Primary keys stay: other tables refer to them.
_CONSTRAINTS = """
SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = ANY(%s::regclass[]) AND contype = 'u' ORDER BY conname
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY(%s::regclass[])
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
ORDER BY 1
"""
_IN_A_HURRY = {
    "statement_timeout": "0",
    "synchronous_commit": "off",
    "maintenance_work_mem": "512MB",
    "work_mem": "256MB",
}
# Only who may do anything may do this.
_UNCHECKED = """
SELECT set_config('session_replication_role', 'replica', false) WHERE current_setting('is_superuser') = 'on'
"""


@contextlib.contextmanager
def filling(cursor: Any, tables: Sequence[str]) -> Iterator[None]:
    """Write into these tables, which nobody else uses. In the end they are as migrations left them.

    Rows are not compared with the rows that they refer to where the role may switch that off: whoever writes
    them knows that these are there.
    """
    for name, value in _IN_A_HURRY.items():
        cursor.execute(f"SET {name} = '{value}'")
    missing = _drop(cursor, tables)
    cursor.execute(_UNCHECKED)
    _leave_to_us(cursor, tables, "SET (autovacuum_enabled = false)")
    yield
    _leave_to_us(cursor, tables, "RESET (autovacuum_enabled)")
    for words in ("RESET session_replication_role", *missing, *(f"RESET {name}" for name in _IN_A_HURRY)):
        cursor.execute(words)


def _leave_to_us(cursor: Any, tables: Sequence[str], words: str) -> None:
    """Whether autovacuum looks at them: whoever fills them vacuums them at the end."""
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} {words}")


def _drop(cursor: Any, tables: Sequence[str]) -> list[str]:
    """Returns the statements that make again what was dropped."""
    cursor.execute(_CONSTRAINTS, [list(tables)])
    constraints = cursor.fetchall()
    cursor.execute(_INDEXES, [list(tables)])
    indexes = cursor.fetchall()
    for table, name, _ in constraints:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    made = [f"ALTER TABLE {table} ADD CONSTRAINT {name} {words}" for table, name, words in constraints]
    return made + [words for _, words in indexes]
