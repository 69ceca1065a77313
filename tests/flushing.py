"""Lets pytest-django empty the tables after a transactional test, the append-only ones included.

What Django makes anew after it, content types and permissions, is kept instead. Small tables are emptied by
DELETE: TRUNCATE makes new files for each table and index, which takes longer than most tests.
"""

from typing import Any

from django.core.management.color import Style
from django.core.management.commands import flush
from django.db.backends.postgresql.operations import DatabaseOperations

KEPT = {"django_content_type", "auth_permission"}

# Locked as by TRUNCATE, which waits for whoever a test left behind. No trigger fires, foreign keys' included;
# files above a megabyte are for TRUNCATE. What autovacuum counted is forgotten, as after TRUNCATE: plans must
# not follow from it.
_EMPTY = """
DO $$
DECLARE one regclass;
BEGIN
    SET LOCAL session_replication_role = replica;
    LOCK TABLE {tables};
    IF (SELECT max(pg_table_size(each)) FROM unnest(ARRAY[{names}]::regclass[]) AS each) > 1048576 THEN
        TRUNCATE {tables};
    ELSE
        FOREACH one IN ARRAY ARRAY[{names}]::regclass[] LOOP
            EXECUTE format('DELETE FROM %s', one);
        END LOOP;
        IF current_setting('server_version_num')::int >= 180000 THEN
            PERFORM pg_clear_relation_stats(relnamespace::regnamespace::text, relname)
            FROM pg_class LEFT JOIN pg_index ON indexrelid = pg_class.oid
            WHERE coalesce(indrelid, pg_class.oid) = ANY(ARRAY[{names}]::regclass[]) AND reltuples >= 0;
        END IF;
    END IF;
END $$
"""


def _empty(
    self: DatabaseOperations,
    style: Style,
    tables: list[str],
    *,
    reset_sequences: bool = False,
    allow_cascade: bool = False,
) -> list[str]:
    assert not reset_sequences, "between transactional tests sequences go on"
    assert not allow_cascade, "all tables are named"
    quoted = [self.quote_name(table) for table in tables if table not in KEPT]
    names = ", ".join(f"'{each}'" for each in quoted)
    return [_EMPTY.format(tables=", ".join(quoted), names=names)]


def _make_nothing_anew(*_given: Any) -> None:
    """Instead of the signal `post_migrate`, which nothing of ours listens to."""


flush.emit_post_migrate_signal = _make_nothing_anew
DatabaseOperations.sql_flush = _empty
