"""A busy database is dumped, restored beside itself, and worked on."""

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from pytest_django import Settings
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from config import dumping
from tests.carrier_server import CarrierServer, order
from tests.journeys.conftest import ROOT, database_url
from tests.subscribers import Subscriber, status
from tests.waiting import eventually
from trackers.models import Tracker
from webhooks.models import Delivery

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

RESTORED = "parcelwire_restored"


def manage(*words: str) -> str:
    """A command of manage.py on the database that this test works on, which must end well."""
    ended = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def run(name: str, *words: str) -> None:
    """A program of PostgreSQL's, the newest that is here."""
    programs = max(dumping._installed(), key=lambda one: one.version)
    environment = os.environ | dumping._libpq()
    subprocess.run([programs.path(name), *words], env=environment, check=True, stdin=subprocess.DEVNULL)


@contextmanager
def working_on(database: str) -> Iterator[None]:
    """This process, and those that it starts, work on another database of the same server."""
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = database
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own


@pytest.fixture
def restored() -> Iterator[str]:
    """The name of an empty database beside the test's own."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {RESTORED} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {RESTORED}")
    yield RESTORED
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {RESTORED} WITH (FORCE)")


@contextmanager
def writing(client: APIClient, carrier: CarrierServer) -> Iterator[list[str]]:
    """Trackers are made one after the other while the block runs; the ids of those that are there."""
    made: list[str] = []
    over = threading.Event()

    def write() -> None:
        try:
            while not over.is_set():
                number = f"HS{len(made):06d}"
                carrier.replies[number] = order(number, "050000")
                asked = {"trackingNumber": number, "courierCode": "all24"}
                answer = client.post("/v1/trackers", asked, format="json")
                made.append(answer.json()["data"]["tracker"]["trackerId"])
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield made
    finally:
        over.set()
        thread.join(60)


def feed(client: APIClient, after: int) -> tuple[list[dict[str, Any]], int]:
    """The events behind a cursor, and where they end."""
    found: list[dict[str, Any]] = []
    while True:
        page = client.get(f"/v1/events?after={after}&limit=500").json()["data"]
        found += page["events"]
        after = int(page["next"])
        if not page["hasMore"]:
            return found, after


@pytest.mark.usefixtures("account")
def test_what_was_restored_holds_together_and_goes_on(
    as_alice: APIClient,
    carrier: CarrierServer,
    hook: Subscriber,
    start_worker: Callable[..., Any],
    restored: str,
    tmp_path: Path,
    settings: Settings,
) -> None:
    settings.API_RATE_LIMIT = "off"
    # One subscriber is away while the backup is made: what it is owed is in the backup.
    hook.answer("/away", status(503))
    made = as_alice.post("/v1/webhooks", {"url": hook.url()}, format="json").json()["data"]["webhook"]
    asked = {"url": hook.url("/away"), "retrySchedule": [3600]}
    away = as_alice.post("/v1/webhooks", asked, format="json").json()["data"]["webhook"]
    worker = start_worker()
    file = tmp_path / "parcelwire.dump"
    with writing(as_alice, carrier) as trackers:
        hook.wait_for(20)
        before = len(trackers)
        assert "tables" in manage("backup", str(file))
        eventually(lambda: len(trackers) > before + 20)
    hook.wait_for(len(trackers), within=240)
    _, cursor = feed(as_alice, 0)
    sent = {one.headers["webhook-id"]: one.body for one in hook.heard("/away")}
    worker.kill()
    redis.Redis.from_url(settings.REDIS_URL).flushdb()

    run("pg_restore", "--no-password", "--exit-on-error", "--no-owner", f"--dbname={restored}", str(file))
    with working_on(restored):
        assert "No changes detected" in manage("makemigrations", "--check")
        manage("migrate", "--check")
        assert "every tracker is the fold of its log" in manage("rebuild_trackers", "--check")
        assert "the first key opens all" in manage("rotate_keys", "--check")
        assert "the log goes on" in manage("after_restore")
        there = {str(id_) for id_ in Tracker.objects.values_list("id", flat=True)}
        assert set(trackers[:before]) <= there < set(trackers)
        changes = ("UPDATE events_event SET key = ''", "DELETE FROM events_event", "TRUNCATE events_event")
        for statement in changes:
            with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor_:
                cursor_.execute(statement)

        # It is worked on: a parcel that is new here is behind every cursor that a reader may hold.
        owed = Delivery.objects.filter(endpoint_id=away["webhookId"], state="pending", attempt_count=1)
        ids = {str(id_) for id_ in owed.values_list("message_id", flat=True)}
        assert ids
        heard, tried = len(hook.heard()), len(hook.heard("/away"))
        hook.answer("/away", status(200))
        start_worker()
        carrier.replies["HSNEW001"] = order("HSNEW001", "050000")
        body = {"trackingNumber": "HSNEW001", "courierCode": "all24"}
        new = as_alice.post("/v1/trackers", body, format="json").json()["data"]["tracker"]["trackerId"]
        eventually(lambda: any(new.encode() in one.body for one in hook.heard()), within=240)
        Webhook(made["secret"]).verify(hook.heard()[-1].body, dict(hook.heard()[-1].headers))
        assert len(hook.heard()) > heard
        events, _ = feed(as_alice, cursor)
        assert {"tracker.created", "tracking.scanned"} <= {
            event["type"] for event in events if event["trackerId"] == new
        }

        # What was owed when the backup was made is sent again, with the same ids and bytes.
        path = f"/v1/webhooks/{away['webhookId']}/recover"
        as_alice.post(path, {"since": "2020-01-01T00:00:00Z"}, format="json")
        eventually(
            lambda: ids <= {one.headers["webhook-id"] for one in hook.heard("/away")[tried:]}, within=240
        )
        again = {one.headers["webhook-id"]: one.body for one in hook.heard("/away")[tried:]}
        assert {id_: again[id_] for id_ in ids} == {id_: sent[id_] for id_ in ids}


@pytest.fixture
def own_role() -> Iterator[str]:
    """The application's role, which owns nothing; its name is its password."""
    name = "parcelwire_app_of_backups"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    call_command("grant_app_role", name, stdout=io.StringIO())
    yield name
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {name}")
        cursor.execute(f"DROP ROLE {name}")


def test_the_applications_own_role_can_make_a_backup(
    own_role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        connection.close()
        patched.setitem(connection.settings_dict, "USER", own_role)
        patched.setitem(connection.settings_dict, "PASSWORD", own_role)
        assert dumping.dump(tmp_path / "parcelwire.dump").tables > 40
        connection.close()
