"""The check of what the checker finds in a database itself: changes of the log, and secrets in rows."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection

from tests.faults.harness.judging.sampling import Sampler, fingerprint
from tests.faults.made_up import MERCHANT, MadeUp
from tests.waiting import eventually

#: Hides the product's log from this session; the id of the merchant is text here.
_LOG = """
CREATE TEMP TABLE events_event (position bigint, merchant_id text, type text);
INSERT INTO events_event SELECT position, %s, 'tracking.scanned' FROM generate_series(1, 5) AS position
"""


def _url(user: str = "") -> str:
    """Of the database of this test; `user`: as this one, instead of its owner."""
    told = urlsplit(os.environ["DATABASE_URL"])
    netloc = f"{user}@{told.netloc.rpartition('@')[2]}" if user else told.netloc
    return told._replace(netloc=netloc, path="/" + str(connection.settings_dict["NAME"])).geturl()


@pytest.fixture
def owner(db: None) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(_url(), autocommit=True) as session:
        yield session


@pytest.fixture
def stranger(owner: psycopg.Connection[Any]) -> Iterator[str]:
    """The URL of a role that may do nothing with the log."""
    role = f"stranger_{os.getpid()}"
    owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'made-up'")
    yield _url(f"{role}:made-up")
    owner.execute(f"DROP ROLE {role}")


@pytest.fixture
def run(tmp_path: Path, owner: psycopg.Connection[Any], stranger: str) -> MadeUp:
    """Its log was looked at when it had three rows, and has five."""
    for statement in _LOG.split(";"):
        owner.execute(statement, [MERCHANT] if "%s" in statement else None)
    count, value = fingerprint(owner, MERCHANT, 3)
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "worker.log").write_text("began\n")
    made = MadeUp(tmp_path, database=owner)
    made.run |= {"app_database": stranger, "logs": str(tmp_path / "log")}
    made.notes["samples"].append({"merchant": MERCHANT, "position": 3, "count": count, "hash": value})
    return made


def test_a_log_that_only_grew_is_as_it_was(run: MadeUp) -> None:
    assert run.found("I3") == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events_event SET type = 'tracking.shipment' WHERE position = 2",
        "DELETE FROM events_event WHERE position = 3",
        "TRUNCATE events_event",
        "INSERT INTO events_event VALUES (2, 'merchant', 'a late one')",
    ],
)
def test_a_change_of_what_was_seen_is_found_out(run: MadeUp, change: str) -> None:
    run.database.execute(change)
    (violation,) = run.found("I3")
    assert "up to 3" in violation


def test_a_log_that_nobody_looked_at_proves_nothing(run: MadeUp) -> None:
    run.notes["samples"] = []
    assert run.found("I3") == ["nobody looked at the log during the run"]


def test_an_application_with_its_owners_rights_is_found_out(run: MadeUp) -> None:
    run.run["app_database"] = _url()
    assert any("UPDATE" in violation for violation in run.found("I3"))


def test_rows_without_secrets_are_no_violation(run: MadeUp) -> None:
    run.database.execute("CREATE TABLE told_in_a_test (said text)")
    try:
        run.database.execute("INSERT INTO told_in_a_test VALUES ('nothing')")
        assert run.found("S3") == []
    finally:
        run.database.execute("DROP TABLE told_in_a_test")


@pytest.mark.parametrize("kind", ["text", "bytea", "jsonb"])
def test_a_secret_in_any_column_of_any_table_is_found_out(run: MadeUp, kind: str) -> None:
    run.database.execute(f"CREATE TABLE told_in_a_test (said {kind})")
    try:
        run.database.execute(f"INSERT INTO told_in_a_test VALUES ('\"whsec_never\"'::{kind})")
        assert "the secret of endpoint 0 is in told_in_a_test" in run.found("S3")
    finally:
        run.database.execute("DROP TABLE told_in_a_test")


def test_a_secret_in_a_log_file_is_found_out(run: MadeUp) -> None:
    (Path(run.run["logs"]) / "worker.log").write_text("posting with whsec_never\n")
    assert "the secret of endpoint 0 is in worker.log" in run.found("S3")


def test_processes_without_a_log_prove_nothing(run: MadeUp) -> None:
    (Path(run.run["logs"]) / "worker.log").unlink()
    assert run.found("S3") == ["no process has a log"]


def test_looks_that_fail_are_noted_as_what_they_are(tmp_path: Path, owner: psycopg.Connection[Any]) -> None:
    sampler = Sampler(tmp_path, _url().rpartition("/")[0] + "/postgres", every=0.01)
    sampler.start()
    noted = tmp_path / "projections.jsonl"
    eventually(noted.read_text)
    sampler.stop()
    assert "looking failed" in noted.read_text()


def test_looks_at_pauses_of_a_run_are_noted(tmp_path: Path, owner: psycopg.Connection[Any]) -> None:
    sampler = Sampler(tmp_path, _url(), every=0.01)
    sampler.start()
    noted = tmp_path / "projections.jsonl"
    eventually(noted.read_text)
    sampler.stop()
    assert '"astray": []' in noted.read_text()
