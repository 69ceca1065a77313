"""`manage.py grant_app_role`: what the application's role may do in a database that another role owns."""

import io
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction

from config import grants

pytestmark = pytest.mark.django_db

ROLE = "parcelwire_app_of_tests"


@pytest.fixture
def role(db: None) -> Iterator[str]:
    """A role that may nothing yet; gone with the test's transaction."""
    execute(f"CREATE ROLE {ROLE}")
    return ROLE


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("grant_app_role", *words, stdout=out)
    return out.getvalue()


def test_the_log_can_be_read_and_added_to_and_no_more(role: str) -> None:
    run(role)
    held = {one.name: one.held for one in grants.held_by(role)}
    assert held["events_event"] == {"SELECT", "INSERT"}
    assert held["trackers_tracker"] == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert held["accounts_merchant"] == {"SELECT", "INSERT", "UPDATE"}
    assert held["django_migrations"] == {"SELECT"}
    assert held["events_event_position_seq"] == {"USAGE", "SELECT"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events_event SET key = 'x'",
        "DELETE FROM events_event",
        "TRUNCATE events_event",
        "SELECT FROM events_event FOR UPDATE",
        "SELECT FROM events_event FOR KEY SHARE",
        "ALTER TABLE events_event DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "SELECT setval('events_event_position_seq', 1)",
        "DROP TABLE events_event",
        "CREATE TABLE stowaway (id int)",
    ],
)
def test_what_it_may_not_is_refused(role: str, statement: str) -> None:
    run(role)
    execute(f"SET ROLE {role}")
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), transaction.atomic():
        execute(statement)


def test_a_second_time_nothing_is_to_be_done(role: str) -> None:
    first = run(role).splitlines()
    assert len(first) > 40
    assert run(role).splitlines() == first[-1:]


def test_what_was_given_too_much_is_taken_and_what_was_taken_is_given(role: str) -> None:
    run(role)
    execute(f"GRANT UPDATE, TRUNCATE ON events_event TO {role}")
    execute(f"REVOKE DELETE ON trackers_watch FROM {role}")
    assert run(role).splitlines()[:-1] == [
        f'REVOKE TRUNCATE, UPDATE ON TABLE "events_event" FROM "{role}"',
        f'GRANT DELETE ON TABLE "trackers_watch" TO "{role}"',
    ]


def test_a_column_that_may_be_changed_is_too_much(role: str) -> None:
    run(role)
    execute(f"GRANT UPDATE (key) ON events_event TO {role}")
    assert run(role).splitlines()[0] == f'REVOKE UPDATE ON TABLE "events_event" FROM "{role}"'
    assert not next(one for one in grants.held_by(role) if one.name == "events_event").in_part - grants.APPEND


def test_before_there_are_tables_it_says_so(role: str) -> None:
    execute("CREATE SCHEMA empty")
    execute("SET search_path TO empty")
    with pytest.raises(CommandError, match="there are no tables yet"):
        run(role)


def test_tables_that_come_later_can_be_used(role: str) -> None:
    run(role)
    execute("CREATE TABLE later (id bigint GENERATED ALWAYS AS IDENTITY, word text)")
    execute(f"SET ROLE {role}")
    execute("INSERT INTO later (word) VALUES ('here')")
    execute("DELETE FROM later")


def test_what_everybody_may_is_told(role: str) -> None:
    execute("GRANT DELETE ON events_event TO PUBLIC")
    with pytest.raises(CommandError, match="still may DELETE on events_event: through PUBLIC"):
        run(role)


def test_no_grant_holds_back_an_owner_a_superuser_or_a_member_of_one(role: str) -> None:
    with pytest.raises(CommandError, match="is who connects here"):
        run()
    execute(f"GRANT {connection.settings_dict['USER']} TO {role}")
    with pytest.raises(CommandError, match="member of the role"):
        run(role)
    execute(f"ALTER ROLE {role} SUPERUSER")
    with pytest.raises(CommandError, match="is a superuser"):
        run(role)


def test_a_role_that_is_not_there_is_made_where_that_is_wished(
    db: None, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATABASE_URL = f"postgres://{ROLE}:its%20word@127.0.0.1/parcelwire"
    with pytest.raises(CommandError, match="there is no role"):
        run()
    assert run("--create").startswith(f"made the role {ROLE}\n")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolcanlogin, rolpassword LIKE 'SCRAM%%' FROM pg_authid WHERE rolname = %s", [ROLE]
        )
        assert cursor.fetchone() == (True, True)


def test_who_does_not_own_the_tables_can_give_nothing(role: str) -> None:
    execute("CREATE ROLE a_stranger_of_tests")
    execute("SET ROLE a_stranger_of_tests")
    with pytest.raises(CommandError, match="were left as they are: permission denied"):
        run(role)
