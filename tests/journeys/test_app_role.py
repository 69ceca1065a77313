"""The application as a role that can read the log and add to it, in a database that another role owns."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.db.backends.signals import connection_created
from django.test import Client
from django.urls import reverse
from psycopg import errors
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from config import lags, roles
from config.celery import app as celery
from events.models import Event
from tests.carrier_server import DATA, CarrierServer
from tests.processes import ROOT
from tests.subscribers import Subscriber
from tests.waiting import eventually
from trackers.models import PersonalData, Tracker
from webhooks.models import Attempt, Delivery, Endpoint

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

PASSWORD = "a word of its own"


def url_of(user: str, password: str, database: str = "") -> str:
    at = connection.settings_dict
    name = database or at["NAME"]
    return f"postgres://{user}:{quote(password)}@{at['HOST']}:{at['PORT']}/{name}"


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def app(transactional_db: None, settings: Settings) -> Iterator[str]:
    """A role of the application's own, as which every connection works until the test ends. Its URL."""
    role = f"app_{uuid4().hex}"
    settings.DATABASE_URL = url_of(role, PASSWORD)
    call_command("grant_app_role", "--create", stdout=io.StringIO())

    def become(connection: object, **_unused: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {role}")

    become(connection)
    connection_created.connect(become)
    yield settings.DATABASE_URL
    connection_created.disconnect(become)
    execute("RESET ROLE")
    execute(f"DROP OWNED BY {role}")
    execute(f"DROP ROLE {role}")


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def make(client: APIClient, method: str, path: str, **more: object) -> None:
    """A call that goes well."""
    answer = getattr(client, method)(path, format="json", **more)
    assert answer.status_code < 300, (path, answer.getvalue())


@pytest.mark.usefixtures("account")
def test_all_that_the_application_does_it_may(
    app: str,
    as_alice: APIClient,
    alice: Merchant,
    carrier: CarrierServer,
    hook: Subscriber,
    start_worker: Callable[..., object],
) -> None:
    carrier.replies["HSBY37H7"] = (200, (DATA / "all24" / "delivered.json").read_bytes())
    make(as_alice, "post", "/v1/webhooks", data={"url": hook.url()})
    start_worker(DATABASE_URL=app)
    body = {"trackingNumber": "HSBY37H7", "courierCode": "all24"}
    make(as_alice, "post", "/v1/trackers", data=body, headers={"Idempotency-Key": "one"})
    hook.wait_for(1)
    eventually(lambda: Delivery.objects.get().state == "delivered")
    assert Attempt.objects.get().status_code == 200
    tracker = Tracker.objects.get()
    assert run("rebuild_trackers", "--check").startswith("every tracker is")
    _reads_and_acts(as_alice, tracker, Endpoint.objects.get())
    _staff(tracker)
    _upkeep()
    assert PersonalData.objects.exists()
    make(as_alice, "post", f"/v1/trackers/{tracker.id}/erase")
    assert not PersonalData.objects.exists()
    for command in (["rebuild_trackers"], ["remap", "all24"], ["rotate_keys"]):
        run(*command)
    assert run("rebuild_trackers", "--check").startswith("every tracker is")
    assert "is deleted" in run("delete_merchant", str(alice.id), "--yes")
    assert Event.objects.filter(merchant=alice, type="tracker.erased").exists()


def _reads_and_acts(client: APIClient, tracker: Tracker, endpoint: Endpoint) -> None:
    delivery = Delivery.objects.first()
    for path in (
        f"trackers/{tracker.id}/results",
        f"trackers/{tracker.id}/raw",
        f"trackers/{tracker.id}/webhook-history/download",
        f"webhooks/{endpoint.id}/deliveries",
        f"webhooks/{endpoint.id}/stats",
        f"deliveries/{delivery.id}",
        "trackers",
        "events",
        "export",
        "carrier-accounts",
        "tracking-page",
        "couriers",
    ):
        make(client, "get", f"/v1/{path}")
    for path in (
        f"trackers/{tracker.id}/webhook-events/resend",
        f"deliveries/{delivery.id}/resend",
        f"webhooks/{endpoint.id}/test",
        f"webhooks/{endpoint.id}/pause",
        f"webhooks/{endpoint.id}/enable",
        f"trackers/{tracker.id}/retrack",
        "tracking-page/renew-links",
    ):
        make(client, "post", f"/v1/{path}")
    make(client, "patch", f"/v1/trackers/{tracker.id}", data={"isSubscribed": False})
    make(client, "post", "/v1/trackers/bulk", data=[{"trackingNumber": "HSAAAA00", "courierCode": "all24"}])
    make(client, "delete", f"/v1/trackers/{Tracker.objects.exclude(id=tracker.id).get().id}")


def _staff(tracker: Tracker) -> None:
    """They sign in, look at every list, act on a parcel, and one of them goes."""
    roles.grant(apps)
    user = User.objects.create_superuser("ann", password=PASSWORD)
    User.objects.create_user("bea", password=PASSWORD).groups.add(Group.objects.first())
    browser = Client()
    entry = {"username": "ann", "password": "guessed"}
    browser.post("/admin/login/", entry)
    assert browser.post("/admin/login/", entry | {"password": PASSWORD}).status_code == 302
    lists = [
        reverse(f"admin:{one._meta.app_label}_{one._meta.model_name}_changelist")
        for one in admin.site._registry
    ]
    for page in ["/admin/", "/admin/alerts/", *lists]:
        assert browser.get(page).status_code == 200, page
    act = reverse("admin:trackers_tracker_act", args=[tracker.pk, "poll"])
    assert browser.post(act, {"confirmed": "yes"}).status_code == 302
    gone = reverse("admin:auth_user_delete", args=[User.objects.get(username="bea").pk])
    assert browser.post(gone, {"post": "yes"}).status_code == 302
    assert list(User.objects.all()) == [user]


def _upkeep() -> None:
    """Every sweep of beat's schedule ends well."""
    celery.loader.import_default_modules()
    assert len(lags.periods()) > 10
    for name in lags.periods():
        celery.tasks[name]()


@pytest.fixture
def owned(transactional_db: None) -> Iterator[dict[str, str]]:
    """A database that a plain role owns and has migrated; the environment of the application beside it."""
    owner, role, database = (f"{word}_{uuid4().hex}" for word in ("owner", "app", "owned"))
    execute(f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
    execute(f"CREATE DATABASE {database} OWNER {owner}")
    yield {
        "DATABASE_URL": url_of(role, PASSWORD, database),
        "MIGRATION_DATABASE_URL": url_of(owner, PASSWORD, database),
    }
    execute(f"DROP DATABASE {database} WITH (FORCE)")
    execute(f"DROP ROLE IF EXISTS {role}")
    execute(f"DROP ROLE {owner}")


def manage(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    own = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=own, capture_output=True, text=True, check=False
    )


def test_a_plain_role_migrates_and_the_application_cannot_change_the_log(owned: dict[str, str]) -> None:
    for words in (["migrate", "--verbosity", "0"], ["grant_app_role", "--create"], ["migrate", "--check"]):
        done = manage(owned, *words)
        assert done.returncode == 0, done.stderr
    again = manage(owned, "grant_app_role").stdout
    assert again.endswith("may do what the application needs, and no more\n")
    assert len(again.splitlines()) == 1
    with psycopg.connect(owned["DATABASE_URL"], autocommit=True) as app:
        for refused in (
            "UPDATE events_event SET key = 'x'",
            "DELETE FROM events_event",
            "TRUNCATE events_event CASCADE",
            "SELECT 1 FROM events_event FOR UPDATE",
            "SELECT 1 FROM events_event FOR KEY SHARE",
            "ALTER TABLE events_event DISABLE TRIGGER ALL",
            "DROP TRIGGER pgtrigger_append_only_affb7 ON events_event",
            "SET session_replication_role = replica",
            "SELECT setval('events_event_position_seq', 1)",
            "DELETE FROM django_migrations",
            "CREATE TABLE stowaway (id int)",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                app.execute(refused)
    without_owner = {**owned, "MIGRATION_DATABASE_URL": ""}
    assert "ok   append-only log" in manage(without_owner, "doctor").stdout
    assert manage(without_owner, "migrate", "--check").returncode == 0
