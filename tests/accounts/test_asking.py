"""Questions through libpq: they fail, and are watched, as those through a cursor."""

from collections.abc import Callable
from functools import partial
from uuid import uuid4

import psycopg
import pytest
from django.db import DataError, OperationalError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import prepared as names
from accounts.asking import ask
from accounts.models import Merchant

pytestmark = pytest.mark.django_db


def test_columns_come_parsed_and_values_go_beside_the_statement() -> None:
    hostile = "'; DROP TABLE accounts_merchant; -- \"\\ é \u2603"
    asked = "SELECT json_build_array($1::text, 1, true), NULL::json, jsonb_build_object('a', 1.5)"
    assert ask(asked, hostile) == [[[hostile, 1, True], None, {"a": 1.5}]]
    assert ask("SELECT to_json(n) FROM generate_series(1, 3) AS n") == [[1], [2], [3]]
    assert ask("SELECT to_json(1) WHERE false") == []


def test_what_is_written_in_the_block_is_seen() -> None:
    with transaction.atomic():
        made = Merchant.objects.create(name="Alice")
        assert ask("SELECT to_json(name) FROM accounts_merchant WHERE id = $1", str(made.id)) == [["Alice"]]


@pytest.mark.parametrize(
    ("sql", "error"),
    [("SELECT nothing", ProgrammingError), ("SELECT to_json(1/0)", DataError)],
)
def test_errors_are_djangos(sql: str, error: type[Exception]) -> None:
    with pytest.raises(error), transaction.atomic():
        ask(sql)


def test_a_time_out_is_told_as_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '200ms'")
    with pytest.raises(OperationalError) as caught, transaction.atomic():
        ask("SELECT to_json(pg_sleep(10)::text)")
    assert isinstance(caught.value.__cause__, psycopg.errors.QueryCanceled)


def test_a_broken_transaction_is_not_asked_in() -> None:
    transaction.set_rollback(True)
    with pytest.raises(transaction.TransactionManagementError):
        ask("SELECT to_json(1)")


def test_whoever_watches_statements_sees_them() -> None:
    seen: list[str] = []

    def watch(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch), CaptureQueriesContext(connection) as captured:
        ask("SELECT to_json(1)")
    assert seen == [query["sql"] for query in captured] == ["SELECT to_json(1)"]


def lose_the_connection_and(go_on: Callable[[], object]) -> None:
    connection.ensure_connection()
    lose_the_connection()
    go_on()


def lose_the_connection() -> None:
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("SELECT pg_terminate_backend(%s, 60000)", [connection.connection.info.backend_pid])


@pytest.mark.django_db(transaction=True)
def test_a_kept_connection_that_was_lost_is_made_anew() -> None:
    ask("SELECT to_json(1)")
    lose_the_connection()
    assert ask("SELECT to_json(2)") == [[2]]


@pytest.mark.django_db(transaction=True)
def test_a_connection_lost_within_a_transaction_is_an_error() -> None:
    with pytest.raises(OperationalError), transaction.atomic():
        lose_the_connection_and(partial(ask, "SELECT to_json(1)"))
    assert ask("SELECT to_json(2)") == [[2]]


@pytest.fixture
def question(transactional_db: None) -> str:
    """A question of its own, outside of any transaction."""
    connection.close()
    return "SELECT to_json($1::text)"


def prepared() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [row[0] for row in cursor.fetchall()]


def test_a_question_is_prepared_once_a_connection(question: str) -> None:
    assert [ask(question, word) for word in ("a", "b")] == [[["a"]], [["b"]]]
    assert prepared() == [question]
    connection.close()
    assert ask(question, "c") == [["c"]]
    assert prepared() == [question]


def test_a_session_that_forgot_what_was_prepared_is_asked_all_the_same(question: str) -> None:
    ask(question, "a")
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")  # as a pooler's other session would have it
    assert [ask(question, word) for word in ("b", "c")] == [[["b"]], [["c"]]]
    assert prepared() == []


def test_a_name_that_another_client_of_a_pooler_took_is_left_to_it(question: str) -> None:
    ask(question, "theirs")
    (name,) = names._prepared[connection.connection].values()
    names._prepared.clear()  # this process has not heard of it
    assert [ask(question, word) for word in ("mine", "again")] == [[["mine"]], [["again"]]]
    assert name.startswith(b"ask_")


def test_in_a_transaction_nothing_is_prepared(question: str) -> None:
    with transaction.atomic():
        Merchant.objects.count()
        assert ask(question, "a") == [["a"]]
        assert prepared() == []


@pytest.mark.parametrize("kind", ["json", "uuid"])
def test_a_migration_under_a_live_connection_is_not_noticed(transactional_db: None, kind: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE ask_probe (fact jsonb, name text)")
    try:
        question, name = "SELECT fact FROM ask_probe WHERE name = $1", str(uuid4())
        assert ask(question, name) == []
        migrated = "fact TYPE json" if kind == "json" else "name TYPE uuid USING name::uuid"
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE ask_probe ALTER COLUMN {migrated}")
            cursor.execute("INSERT INTO ask_probe VALUES ('1', %s)", [name])
        assert [ask(question, name) for _ in range(2)] == [[[1]], [[1]]]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE ask_probe")
