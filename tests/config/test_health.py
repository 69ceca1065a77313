"""`/healthz` and `/readyz`, and an API that does without its broker."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from config import heartbeat
from tests.factories import CarrierAccountFactory
from trackers.models import Watch


@pytest.fixture
def beating(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime | None], None]:
    """Beat's task last ran then."""
    return lambda at: monkeypatch.setattr(heartbeat, "last_beat", lambda _url: at)


def ready(client: Client) -> tuple[int, Any]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def test_healthz_asks_nothing(client: Client) -> None:
    assert client.get("/healthz").content == b"ok"


def test_ready_where_database_broker_and_beat_work(
    client: Client, db: None, beating: Callable[..., None]
) -> None:
    beating(datetime.now(UTC))
    status, body = ready(client)
    assert (status, body["ready"]) == (200, True)
    assert set(body["checks"]) == {"database", "broker", "beat"}
    assert body["rateLimit"] == "counting"


def test_calls_that_pass_uncounted_are_no_reason_to_be_unready(
    client: Client, db: None, beating: Callable[..., None], settings: Settings
) -> None:
    beating(datetime.now(UTC))
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert (ready(client)[0], ready(client)[1]["rateLimit"]) == (200, "open")
    settings.API_RATE_LIMIT = "off"
    assert ready(client)[1]["rateLimit"] == "off"


@pytest.mark.parametrize("age", [None, 31])
def test_not_ready_where_beat_is_silent(
    client: Client, db: None, beating: Callable[..., None], age: int | None
) -> None:
    beating(age and datetime.now(UTC) - timedelta(seconds=age))
    status, body = ready(client)
    assert (status, body["checks"]["beat"]["ok"]) == (503, False)


def test_not_ready_without_the_broker(client: Client, db: None, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    status, body = ready(client)
    assert (status, body["checks"]["broker"]["ok"]) == (503, False)


def test_not_ready_where_nobody_polls_what_is_due(
    client: Client, as_alice: APIClient, alice: Any, beating: Callable[..., None]
) -> None:
    beating(datetime.now(UTC))
    CarrierAccountFactory(merchant=alice)
    as_alice.post("/v1/trackers", {"trackingNumber": "HSAAAA00", "courierCode": "all24"}, format="json")
    Watch.objects.update(next_poll_at=timezone.now() - timedelta(minutes=2))
    status, body = ready(client)
    assert status == 503
    assert body["checks"]["database"]["oldestDueSeconds"] > 60


def test_a_watch_that_waits_for_an_account_is_not_late(
    client: Client, as_alice: APIClient, beating: Callable[..., None]
) -> None:
    beating(datetime.now(UTC))
    as_alice.post("/v1/trackers", {"trackingNumber": "HSAAAA00", "courierCode": "all24"}, format="json")
    Watch.objects.update(next_poll_at=timezone.now() - timedelta(minutes=2))
    assert ready(client)[0] == 200


@pytest.mark.django_db(transaction=True)
def test_a_tracker_is_created_at_once_while_the_broker_is_away(
    as_alice: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is the truth: a sweep finds it."""
    refused: list[str] = []

    def publish(task: SimpleNamespace, **_options: object) -> None:
        refused.append(task.name)
        raise ConnectionRefusedError

    monkeypatch.setattr("celery.app.task.Task.apply_async", publish)
    answer = as_alice.post("/v1/trackers", {"trackingNumber": "SHIP24_SAMPLE_PENDING_000"}, format="json")
    assert answer.status_code == 201
    assert refused == ["trackers.poll_due"]
    assert Watch.objects.filter(next_poll_at__isnull=False).count() == 1


def test_calls_may_be_sent_to_a_web_whose_workers_are_away(
    client: Client, db: None, beating: Callable[..., None]
) -> None:
    beating(None)
    answer = client.get("/readyz?of=web")
    assert (answer.status_code, answer.json()["checks"]) == (200, {"database": {"ok": True}})


def test_none_may_where_the_database_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.health.connection.cursor", _refused)
    answer = client.get("/readyz?of=web")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)


def _refused() -> None:
    raise OperationalError("no connection")


@pytest.mark.parametrize("query", ["", "?of=web"])
def test_none_may_once_the_process_was_told_to_end(
    client: Client, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr("config.draining.is_draining", lambda: True)
    answer = client.get(f"/readyz{query}")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "draining": True, "checks": {}})
