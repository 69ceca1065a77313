"""`manage.py doctor`: each fault is told, with what to do; a server that is away holds up nobody."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import sweeps
from accounts.models import Merchant
from config import heartbeat, servers
from config.doctor import (
    backlog,
    broker,
    clocks,
    configuration,
    encryption,
    files,
    migrated,
    postgresql,
    processes,
    role,
)
from config.doctor.examining import examine
from config.doctor.findings import Check, Finding, Level, bad, ok, warn
from tests.factories import CarrierAccountFactory
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory
from trackers.models import Watch

OK, WARN, BAD = Level


@pytest.fixture
def valkey(tmp_path: Path, settings: Settings) -> Iterator[servers.Running]:
    """A Valkey of the test's own, as ours are but without its file."""
    server = servers.Valkey(tmp_path, durable=False)
    running = servers.start(server, tmp_path)
    settings.REDIS_URL = server.url(running.port)
    yield running
    servers.stop([running], tmp_path, monotonic() + 60)


def configure(settings: Settings, **options: str) -> None:
    with heartbeat.connected(settings.REDIS_URL) as client:
        for name, value in options.items():
            client.config_set(name.replace("_", "-"), value)


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def only(found: Iterator[Finding]) -> Finding:
    (one,) = found
    return one


def told(found: Iterator[Finding], level: Level, *words: str) -> None:
    """One line, of this level, with these words; what to do where something is."""
    one = only(found)
    assert one.level is level, one
    assert all(word in one.found for word in words), one
    assert bool(one.todo) == (level is not OK)


# PostgreSQL


def test_a_postgresql_that_answers_is_told_with_its_version(db: None) -> None:
    told(postgresql.server(), OK, "PostgreSQL 18", "database test_")


def test_a_postgresql_that_is_too_old_is_bad(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "OLDEST", 99)
    told(postgresql.server(), BAD, "PostgreSQL 18")


def test_one_that_does_not_wait_for_its_disk_is_bad(db: None) -> None:
    """As that of the tests does not."""
    told(postgresql.durability(), BAD, "fsync", "synchronous_commit", "full_page_writes")


def test_where_connections_are_used_up_somebody_should_look(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(postgresql.connections(), OK, "connections are used")
    monkeypatch.setattr(postgresql, "CROWDED", 0)
    told(postgresql.connections(), WARN, "connections are used")


def test_a_migration_that_is_missing_is_bad_and_named(db: None) -> None:
    told(migrated.migrations(), OK, "all")
    execute("DELETE FROM django_migrations WHERE app = 'trackers' AND name LIKE '0016%'")
    told(migrated.migrations(), BAD, "1 not applied: trackers.0016")


def test_a_migration_of_a_newer_version_is_told(db: None) -> None:
    execute("INSERT INTO django_migrations (app, name, applied) VALUES ('trackers', '9999_later', now())")
    told(migrated.migrations(), WARN, "trackers.9999_later")


def test_a_trigger_that_is_switched_off_is_bad(db: None) -> None:
    told(role.triggers(), OK)
    execute("ALTER TABLE events_event DISABLE TRIGGER ALL")
    told(role.triggers(), BAD, "append_only is switched off")


def test_a_trigger_that_is_missing_is_bad(db: None) -> None:
    execute("DROP TRIGGER pgtrigger_append_only_affb7 ON events_event")
    told(role.triggers(), BAD, "append_only is missing")


def test_a_key_that_opens_nothing_is_bad(db: None, settings: Settings) -> None:
    CarrierAccountFactory()
    told(encryption.keys(), OK)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    told(encryption.keys(), BAD, "1 of 1 tried in carriers_carrieraccount.key")
    assert "rotate_keys --check" in only(encryption.keys()).todo


# The role


@pytest.fixture
def as_app(db: None, settings: Settings) -> Callable[..., None]:
    """In production, connected as a role of the application's own, with these grants besides."""

    def become(*grants: str) -> None:
        settings.PRODUCTION = True
        execute("CREATE ROLE app_of_doctors_tests")
        call_command("grant_app_role", "app_of_doctors_tests", stdout=io.StringIO())
        for one in grants:
            execute(f"{one} app_of_doctors_tests")
        execute("SET ROLE app_of_doctors_tests")

    return become


def test_in_development_the_owner_may_be_the_application(db: None) -> None:
    told(role.append_only(), OK, "development: parcelwire owns the log")


def test_in_production_a_superuser_is_bad(db: None, settings: Settings) -> None:
    settings.PRODUCTION = True
    told(role.append_only(), BAD, "is a superuser")
    assert "grant_app_role" in only(role.append_only()).todo


def test_a_role_with_its_grants_and_no_more_is_well(as_app: Callable[..., None]) -> None:
    as_app()
    told(role.append_only(), OK, "can neither change nor empty it")


@pytest.mark.parametrize(
    ("grant", "words"),
    [
        ("GRANT UPDATE ON events_event TO", "may do more than it needs: UPDATE on events_event"),
        ("GRANT TRUNCATE ON trackers_watch TO", "TRUNCATE on trackers_watch"),
        (
            "REVOKE INSERT ON events_event FROM",
            "may not do what the application needs: INSERT on events_event",
        ),
        ("GRANT SET ON PARAMETER session_replication_role TO", "switches triggers off"),
        ("GRANT CREATE ON SCHEMA public TO", "may create tables"),
        ("GRANT parcelwire TO", "owns the log, or is a member"),
    ],
    ids=str,
)
def test_a_role_that_may_too_much_or_too_little_is_bad(
    as_app: Callable[..., None], grant: str, words: str
) -> None:
    as_app(grant)
    told(role.append_only(), BAD, words)


# Redis


def test_a_valkey_as_it_should_be_is_well(valkey: servers.Running, settings: Settings) -> None:
    configure(settings, appendonly="yes")
    with heartbeat.connected(settings.REDIS_URL) as client:
        # It does not end before its file is there.
        eventually(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
    told(broker.server(), OK, "Valkey 9")
    told(broker.eviction(), OK)
    told(broker.memory(), OK)
    told(broker.persistence(), OK)
    told(clocks.of_redis(), OK)


@pytest.mark.parametrize(("policy", "level"), [("allkeys-lru", BAD), ("volatile-ttl", WARN)])
def test_one_that_throws_away_is_told(
    valkey: servers.Running, settings: Settings, policy: str, level: Level
) -> None:
    configure(settings, maxmemory_policy=policy)
    told(broker.eviction(), level, policy)
    assert "noeviction" in only(broker.eviction()).todo


def test_one_that_keeps_nothing_or_is_full_is_told(valkey: servers.Running, settings: Settings) -> None:
    told(broker.persistence(), WARN, "no append-only file")
    configure(settings, maxmemory="1mb")
    told(broker.memory(), WARN, "of 1 MiB")


def test_a_beat_that_stopped_is_bad(valkey: servers.Running, settings: Settings) -> None:
    told(processes.beat(), BAD, "ever come through")
    heartbeat.note(settings.REDIS_URL)
    told(processes.beat(), OK)
    with heartbeat.connected(settings.REDIS_URL) as client:
        client.set("parcelwire:last_beat", (datetime.now(UTC) - timedelta(minutes=2)).isoformat())
    told(processes.beat(), BAD, "for 12")


def test_a_queue_that_nobody_takes_from_is_bad(valkey: servers.Running, settings: Settings) -> None:
    heartbeat.attend(settings.REDIS_URL, ["parcelwire"], "worker here 1.2")
    heartbeat.attend(settings.REDIS_URL, ["parcelwire"], "worker here 1.3")
    with heartbeat.connected(settings.REDIS_URL) as client:
        client.zadd("parcelwire:workers:late", {"worker-late here 1.4": datetime.now(UTC).timestamp() - 300})
    assert [(one.level, one.found[: one.found.find(";")]) for one in processes.workers()] == [
        (BAD, "queue deliveries: no process work"),
        (BAD, "queue late: no process works"),
        (OK, "queue parcelwire: 2 processes of worke"),
    ]


def test_a_worker_that_ended_is_not_counted(valkey: servers.Running, settings: Settings) -> None:
    heartbeat.attend(settings.REDIS_URL, ["late"], "worker-late here 1.2")
    heartbeat.attend(settings.REDIS_URL, ["late"], "worker-late here 11.2")
    heartbeat.leave(settings.REDIS_URL, ["late"], "worker-late here 1.")
    assert [*heartbeat.attending(settings.REDIS_URL, ["late"])["late"]] == ["worker-late here 11.2"]


# What is looked at without a server


@pytest.mark.parametrize(
    ("seconds", "level"), [(0.0, OK), (-2.0, OK), (2.1, WARN), (-20.0, WARN), (20.1, BAD), (-3600.0, BAD)]
)
def test_clocks_that_disagree_are_told(seconds: float, level: Level) -> None:
    assert clocks.judged(seconds, "Redis").level is level


@pytest.mark.parametrize(("free", "level"), [(2**40, OK), (2**29, WARN), (2**20, BAD)])
def test_a_full_disk_is_told(free: int, level: Level, tmp_path: Path) -> None:
    assert files.judged(free, tmp_path).level is level


def test_a_data_folder_that_is_not_there_is_bad(settings: Settings, tmp_path: Path) -> None:
    settings.PARCELWIRE_DATA = tmp_path / "nowhere"
    told(files.room(), BAD, "not there")


def test_static_files_that_were_not_collected_are_bad(settings: Settings, tmp_path: Path) -> None:
    told(files.static_files(), OK, "development")
    settings.WHITENOISE_USE_FINDERS, settings.STATIC_ROOT = False, tmp_path
    told(files.static_files(), BAD, "are missing")
    call_command("collectstatic", "--no-input", stdout=io.StringIO())
    told(files.static_files(), OK, "collected")
    (tmp_path / "config" / "expressions.js").write_text("of another version")
    told(files.static_files(), BAD, "0 are missing and 1 of another version")


def test_a_proxy_that_the_settings_do_not_know_is_told(settings: Settings) -> None:
    told(configuration.callers(), OK, "development")
    settings.PRODUCTION, settings.ALLOWED_HOSTS = True, ["api.shop.example"]
    settings.PROXY_SCHEME_HEADER = settings.PROXY_ADDRESS_HEADER = settings.PUBLIC_URL = ""
    assert [one.found.split()[0] for one in configuration.callers()] == ["PROXY_SCHEME_HEADER", "PUBLIC_URL"]
    settings.PROXY_SCHEME_HEADER, settings.PUBLIC_URL = "X-Forwarded-Proto", "https://track.shop.example"
    assert [one.level for one in configuration.callers()] == [WARN, BAD]
    settings.PROXY_ADDRESS_HEADER, settings.ALLOWED_HOSTS = "X-Forwarded-For", [".shop.example"]
    told(configuration.callers(), OK, "shoppers at https://track.shop.example")


def test_merchants_who_hear_nothing_by_mail_are_told_of_in_production(settings: Settings) -> None:
    settings.EMAIL_URL = ""
    told(configuration.mail(), OK)
    settings.PRODUCTION = True
    told(configuration.mail(), WARN, "EMAIL_URL")


def test_a_sweep_that_ends_no_more_is_bad_and_named(db: None) -> None:
    told(backlog.sweeps(), OK, "0 of")
    sweeps.note("trackers.sweep")
    told(backlog.sweeps(), OK, "1 of")
    execute("UPDATE accounts_sweep SET ended_at = now() - interval '1 hour'")
    told(backlog.sweeps(), BAD, "trackers.sweep ended last 36")


def test_what_is_due_for_too_long_is_bad(as_alice: APIClient, alice: Merchant) -> None:
    told(backlog.queues(), OK)
    CarrierAccountFactory(merchant=alice)
    as_alice.post("/v1/trackers", {"trackingNumber": "HSAAAA00", "courierCode": "all24"}, format="json")
    Watch.objects.update(next_poll_at=timezone.now() - timedelta(minutes=2))
    told(backlog.queues(), BAD, "polls: the first has been due for 2")


def test_what_others_must_mend_is_no_fault_of_ours(alice: Merchant) -> None:
    CarrierAccountFactory(merchant=alice, state="suspended")
    EndpointFactory(merchant=alice, state="disabled", url="https://hook.example/a-secret")
    account, endpoint = backlog.attention()
    assert (account.level, endpoint.level) == (WARN, WARN)
    assert account.found.startswith("Carrier account suspended: ")
    assert endpoint.found == "Endpoint disabled: Alice: hook.example"


# The whole


def run(*options: str, checks: list[Check], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """The exit status and what was said, of these checks alone."""
    out = io.StringIO()
    monkeypatch.setattr("config.management.commands.doctor.CHECKS", checks)
    try:
        call_command("doctor", *options, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def check(name: str, *found: Finding) -> Check:
    return Check(name, lambda: iter(found))


def test_it_tells_a_line_each_and_what_to_do_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [check("beat", ok("it beats")), check("memory", warn("nearly full", "add some"))]
    status, text = run(checks=checks, monkeypatch=monkeypatch)
    assert status == 0
    assert [line.rstrip() for line in text.splitlines()] == [
        "ok   beat             it beats",
        "warn memory           nearly full",
        "                      -> add some",
        "1 ok, 1 warn",
    ]


@pytest.mark.parametrize(
    ("finding", "options", "status"),
    [
        (ok("well"), ["--strict"], 0),
        (warn("so so", "look"), [], 0),
        (warn("so so", "look"), ["--strict"], 1),
        (bad("ill", "mend"), [], 2),
        (bad("ill", "mend"), ["--strict"], 2),
    ],
    ids=str,
)
def test_its_status_is_for_scripts(
    finding: Finding, options: list[str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(*options, checks=[check("it", finding)], monkeypatch=monkeypatch)[0] == status


def test_json_has_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [check("beat", bad("silent", "start it"))]
    assert json.loads(run("--json", checks=checks, monkeypatch=monkeypatch)[1]) == {
        "level": "bad",
        "counts": {"ok": 0, "warn": 0, "bad": 1},
        "findings": [{"check": "beat", "level": "bad", "found": "silent", "todo": "start it"}],
    }


def test_a_server_that_is_away_is_asked_once_and_the_rest_goes_on(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Iterator[Finding]:
        raise OperationalError('connection to "db" failed: postgres://app:word@db refused\nTry again')
        yield

    monkeypatch.setattr("config.doctor.examining._is_there", lambda: False)
    needs = frozenset({"PostgreSQL"})
    checks = [Check("one", away, needs), Check("two", away, needs), check("three", ok("well"))]
    found = [(one.name, finding.level, finding.found) for one, finding in examine(checks)]
    refused = 'does not answer: connection to "db" failed: postgres://app:[removed]@db refused'
    assert found == [
        ("one", BAD, refused),
        ("two", WARN, "not asked: PostgreSQL is out of reach"),
        ("three", OK, "well"),
    ]


def test_a_check_that_fails_as_none_foresaw_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def shut() -> Iterator[Finding]:
        raise PermissionError(13, "Permission denied", "/srv/data/run")
        yield

    status, text = run(checks=[Check("one", shut), check("two", ok("well"))], monkeypatch=monkeypatch)
    assert status == 2
    assert "could not be looked at: [Errno 13] Permission denied: '/srv/data/run'" in text
    assert "ok   two" in text
