"""Each migration leaves a database with which the code before it goes on working: both run for a while.

What can be read from its SQL, django-migration-linter looks at. The rest is looked up in the database after
each step: what the models before it name is there, and nothing else is asked of their rows.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from django_migration_linter.migration_linter import MigrationLinter
from django_migration_linter.sql_analyser import analyse_sql_statements
from pytest_django import DjangoDbBlocker

from config.roles import APPS

OURS = (*APPS, "config")
#: What is found all the same, with the reason why it does no harm. None of it was in a release: whoever has
#: the first one has all of these.
KNOWN = {
    ("accounts", "0004_pages"): {"NOT_NULL"},  # a default in Python would give every merchant the same secret
    ("carriers", "0002_pushes_and_closings"): {"CREATE_INDEX", "CREATE_INDEX_EXCLUSIVE"},  # of a new table
    ("webhooks", "0012_recent_tries"): {"DROP_COLUMN"},  # nothing had read the two columns
}
#: How a function's arguments are called says nothing about a database.
UNHEEDED = {"RUNPYTHON_ARGS_NAMING_CONVENTION"}

Step = tuple[str, str]

_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull,
       atthasdef OR attidentity <> '' OR attgenerated <> ''
FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""
_RULES = """
SELECT conname, contype = 'c', (SELECT coalesce(array_agg(attname::text), '{}') FROM pg_attribute
                                WHERE attrelid = conrelid AND attnum = ANY(conkey))
FROM pg_constraint WHERE conrelid = to_regclass(%(table)s) AND contype IN ('c', 'x')
UNION ALL
SELECT indexrelid::regclass::text, false, (SELECT coalesce(array_agg(attname::text), '{}') FROM pg_attribute
                                           WHERE attrelid = indrelid AND attnum = ANY(indkey))
FROM pg_index WHERE indrelid = to_regclass(%(table)s) AND indisunique
"""


@pytest.fixture
def nothing_migrated(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The connection leads to an empty database."""
    with django_db_blocker.unblock():
        own, name = connection.settings_dict["NAME"], f"{connection.settings_dict['NAME']}_steps"
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
            cursor.execute(f'CREATE DATABASE "{name}"')
        connection.close()
        connection.settings_dict["NAME"] = name
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = own
            with connection._nodb_cursor() as cursor:
                cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.django_db(transaction=True)
def test_the_linter_finds_what_is_known_and_nothing_else() -> None:
    linter = MigrationLinter(include_apps=OURS, no_cache=True, no_output=True)
    found = {}
    for (app, name), migration in linter.migration_loader.disk_migrations.items():
        if app in OURS:
            sql = linter.get_sql(app, name)
            errors, _, warnings = analyse_sql_statements(linter.sql_analyser_class, sql, [])
            more, _, hints = linter.analyse_data_migration(migration)
            codes = {issue.code for issue in (*errors, *warnings, *more, *hints)} - UNHEEDED
            found |= {(app, name): codes} if codes else {}
    assert found == KNOWN


@pytest.mark.usefixtures("nothing_migrated")
def test_the_code_before_each_migration_can_read_and_write_after_it() -> None:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    state = executor._create_project_state(with_applied_migrations=True)
    broken: dict[Step, list[str]] = {}
    for migration, _ in plan:
        step, before = (migration.app_label, migration.name), state.clone()
        rules = _rules(before) if step[0] in OURS else {}
        state = executor.apply_migration(state, migration)
        if step[0] in OURS:
            faults = [*_faults(before), *_new_rules(before, rules)]
            broken |= {step: faults} if faults else {}
    assert len(plan) > len(list(apps.get_app_configs()))
    assert broken == {
        ("accounts", "0004_pages"): [
            "accounts_merchant: page_secret is needed, and unknown to the code before"
        ],
        ("webhooks", "0012_recent_tries"): [
            "webhooks_lane: no column refilled_at",
            "webhooks_lane: no column tokens",
        ],
    }, "those two are in KNOWN, with the reason; mend any other, or do it in two releases"


def _tables(state: ProjectState) -> Iterator[tuple[str, Any]]:
    for model in state.apps.get_models(include_auto_created=True):
        if model._meta.app_label in OURS and model._meta.managed:
            yield model._meta.db_table, model


def _faults(before: ProjectState) -> Iterator[str]:
    """Why statements of these models would fail: what they name is gone, or more is asked of a row."""
    for table, model in _tables(before):
        with connection.cursor() as cursor:
            cursor.execute(_COLUMNS, [f'"{table}"'])
            there = {name: rest for name, *rest in cursor.fetchall()}
        known = {field.column: field for field in model._meta.local_concrete_fields}
        yield from (f"{table}: no column {name}" for name in sorted(known.keys() - there.keys()))
        for name, (kind, is_needed, has_default) in sorted(there.items()):
            field = known.get(name)
            if field is None and is_needed and not has_default:
                yield f"{table}: {name} is needed, and unknown to the code before"
            elif field is not None and field.null and is_needed:
                yield f"{table}: {name} may not be empty any more"
            elif field is not None and not _fits(field.db_type(connection), kind):
                yield f"{table}: {name} is {kind} now, and was {field.db_type(connection)}"


def _fits(was: str, now: str) -> bool:
    """Whether these are names of one type."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::regtype = %s::regtype", [was, now])
        return bool(cursor.fetchone()[0])


def _rules(state: ProjectState) -> dict[str, set[str]]:
    """What rows must obey, by table, as far as this code may break it: of columns that it names.

    A check may be broken by one column of several; two rows differ wherever one column does, which has been
    given a value of its own by the database where the code does not know it.
    """
    found = {}
    for table, model in _tables(state):
        known = {field.column for field in model._meta.local_concrete_fields}
        with connection.cursor() as cursor:
            cursor.execute(_RULES, {"table": f'"{table}"'})
            rows = cursor.fetchall()
        found[table] = {
            name
            for name, is_check, columns in rows
            if (known.intersection(columns) if is_check else known.issuperset(columns))
        }
    return found


def _new_rules(before: ProjectState, rules: dict[str, set[str]]) -> Iterator[str]:
    """What was not asked of the same rows before."""
    for table, now in _rules(before).items():
        yield from (f"{table}: {name} is a new rule" for name in sorted(now - rules[table]))
