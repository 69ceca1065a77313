"""Lets pytest-django empty the tables after a transactional test, the append-only ones included."""

from django.core.management.color import Style
from django.db.backends.postgresql.operations import DatabaseOperations

_plain_flush = DatabaseOperations.sql_flush


def _flush_past_the_triggers(
    self: DatabaseOperations,
    style: Style,
    tables: list[str],
    *,
    reset_sequences: bool = False,
    allow_cascade: bool = False,
) -> list[str]:
    """Between transactional tests the append-only tables are emptied too: their triggers must not fire."""
    statements = _plain_flush(
        self, style, tables, reset_sequences=reset_sequences, allow_cascade=allow_cascade
    )
    return ["SET LOCAL session_replication_role = replica", *statements] if statements else []


DatabaseOperations.sql_flush = _flush_past_the_triggers
