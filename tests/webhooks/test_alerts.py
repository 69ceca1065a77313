"""What of endpoints and deliveries needs a person."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.alerts import Kind
from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory, owe
from webhooks import alerts
from webhooks.health import Reason
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db


def test_a_disabled_endpoint_needs_a_person_and_its_path_is_not_told(alice: Merchant) -> None:
    EndpointFactory(merchant=alice)
    EndpointFactory(merchant=alice, state="paused")
    endpoint = EndpointFactory(
        merchant=alice,
        url="https://shop.example/hooks/secret-path",
        state="disabled",
        disabled_reason="gone",
        disabled_at=timezone.now(),
    )
    (alert,) = alerts.alerts()
    assert (alert.kind, alert.page_id) == (Kind.ENDPOINT_DISABLED, str(endpoint.id))
    assert (alert.about, alert.detail) == ("Alice: shop.example", "It answered 410.")
    assert alert.since == endpoint.disabled_at


def test_every_reason_is_told_in_a_sentence() -> None:
    assert alerts._REASONS.keys() == set(Reason)


def test_a_deleted_endpoint_needs_nobody(alice: Merchant) -> None:
    gone = {"deleted_at": timezone.now(), "disabled_at": timezone.now()}
    EndpointFactory(merchant=alice, state="disabled", **gone)
    assert alerts.alerts() == []


def test_deliveries_that_were_given_up_today_need_a_person(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice, url="https://shop.example/hook")
    owed = [delivery.id for delivery in owe(endpoint, 3)]
    now = timezone.now()
    over = {"state": "exhausted", "next_attempt_at": None}
    Delivery.objects.filter(id__in=owed[:2]).update(**over, started_at=now)
    (alert,) = alerts.alerts()
    assert (alert.kind, alert.page_id) == (Kind.DELIVERIES_EXHAUSTED, str(endpoint.id))
    assert alert.detail == "2 given up in the last 24 hours."
    two_days_ago = now - timedelta(days=2)
    Delivery.objects.update(created_at=two_days_ago, started_at=two_days_ago)
    assert alerts.alerts() == []


def test_a_great_many_of_them_are_not_counted(alice: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "LOOKED_AT", 2)
    owe(EndpointFactory(merchant=alice), 3)
    Delivery.objects.update(state="exhausted", next_attempt_at=None, started_at=timezone.now())
    assert alerts.alerts()[0].detail == "2 or more given up in the last 24 hours."
