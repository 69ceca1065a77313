"""Every alert of the installation: in one list, and in the log once."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import resolve
from django.utils import timezone
from pytest_django import Settings

from accounts.alerts import Kind
from accounts.models import Merchant, Sweep
from accounts.queues import Queue
from carriers.models import CarrierAccount
from config import alerts, heartbeat, loopback, warning
from tests.factories import CarrierAccountFactory
from tests.webhooks.cast import EndpointFactory, due_now, owe

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _redis_knows_nothing(settings: Settings) -> Iterator[None]:
    url = settings.REDIS_URL
    heartbeat.note(url)
    yield
    warning._written.clear()
    with heartbeat.connected(url) as store:
        store.delete(warning._KNOWN, warning._LOOKED)


def a_minute_later(settings: Settings) -> None:
    with heartbeat.connected(settings.REDIS_URL) as store:
        store.delete(warning._LOOKED)


@pytest.fixture
def without_redis(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{loopback.free_port()}/0"


def kinds() -> list[Kind]:
    return [one.kind for one in alerts.alerts()]


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    mine = [record for record in caplog.records if record.name == "config.warning"]
    caplog.clear()
    return [f"{record.levelname}: {record.getMessage()}" for record in mine]


def test_nothing_is_wrong_where_nothing_is() -> None:
    assert kinds() == []


def test_redis_out_of_reach_is_an_alert(without_redis: None) -> None:
    (alert,) = alerts.alerts()
    assert alert.kind is Kind.REDIS_AWAY
    assert alerts.address(alert) == "/readyz"


def test_a_silent_beat_is_an_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "last_beat", lambda _: datetime.now(UTC) - timedelta(minutes=1))
    assert kinds() == [Kind.BEAT_SILENT]
    monkeypatch.setattr(heartbeat, "last_beat", lambda _: None)
    assert kinds() == [Kind.BEAT_SILENT]


def test_what_has_been_due_for_too_long_is_an_alert(alice: Merchant) -> None:
    due_now(*owe(EndpointFactory(merchant=alice)))
    (alert,) = alerts.alerts()
    assert (alert.kind, alert.about) == (Kind.OVERDUE, "first tries")
    assert alerts.address(alert) == "/admin/webhooks/delivery/"


def ended(name: str, **ago: float) -> None:
    Sweep.objects.create(name=name, ended_at=timezone.now() - timedelta(**ago), seconds=1)


def test_a_sweep_that_ends_no_more_is_an_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "last_beat", lambda _: datetime.now(UTC))
    ended("trackers.sweep", minutes=9)
    ended("webhooks.forget", minutes=11)
    ended("accounts.a_sweep_of_an_older_version", days=9)
    (alert,) = alerts.alerts()
    assert (alert.kind, alert.about) == (Kind.SWEEP_STALE, "webhooks.forget")
    assert alerts.address(alert) == "/admin/accounts/sweep/"


def test_where_beat_is_silent_that_is_told_and_not_each_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "last_beat", lambda _: datetime.now(UTC) - timedelta(hours=1))
    ended("webhooks.forget", hours=1)
    assert kinds() == [Kind.BEAT_SILENT]


def test_every_queue_has_a_list_and_is_late_after_its_patience() -> None:
    now = timezone.now()
    found = alerts.queues()
    assert [one.name for one in found] == [
        "polls", "first tries", "late retries", "notices", "recoveries", "closings", "account news",
    ]  # fmt: skip
    assert all(resolve(alerts.list_of(one.page)) for one in found)
    assert not any(one.is_overdue(now) for one in found)
    late = Queue("polls", now - timedelta(seconds=61), timedelta(minutes=1), found[0].page)
    assert late.is_overdue(now)
    assert not late.is_overdue(now - timedelta(seconds=2))


def test_what_stops_more_comes_first(alice: Merchant, without_redis: None) -> None:
    EndpointFactory(merchant=alice, state="disabled", disabled_at=timezone.now())
    CarrierAccountFactory(merchant=alice, state="suspended")
    assert kinds() == [Kind.REDIS_AWAY, Kind.ACCOUNT_SUSPENDED, Kind.ENDPOINT_DISABLED]


def test_an_alert_is_written_once_and_when_it_is_over(
    alice: Merchant, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    account = CarrierAccountFactory(merchant=alice, state="suspended", suspended_reason="Wrong key.")
    warning.warn()
    assert told(caplog) == ["WARNING: alert: Carrier account suspended: all24 of Alice. Wrong key."]
    a_minute_later(settings)
    warning.warn()
    assert told(caplog) == []
    CarrierAccount.objects.update(state="active")
    a_minute_later(settings)
    warning.warn()
    assert told(caplog) == [f"INFO: alert over: account_suspended:{account.id}"]
    CarrierAccount.objects.update(state="suspended")
    a_minute_later(settings)
    warning.warn()
    assert len(told(caplog)) == 1, "it is new again"


def test_one_process_of_all_looks_in_a_minute(alice: Merchant, caplog: pytest.LogCaptureFixture) -> None:
    warning.warn()
    CarrierAccountFactory(merchant=alice, state="suspended")
    warning.warn()
    assert told(caplog) == []


def test_redis_out_of_reach_is_written_once_by_each_process(
    without_redis: None, caplog: pytest.LogCaptureFixture
) -> None:
    warning.warn()
    warning.warn()
    (line,) = told(caplog)
    assert "Redis is out of reach" in line


def test_every_kind_has_a_name_for_people() -> None:
    assert all(kind.label and kind.label != kind.value for kind in Kind)
