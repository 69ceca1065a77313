"""What one append holds and tells: corrections, stops, two couriers on one number."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.adapter import Answer, Credentials, Query
from carriers.exceptions import NotFoundYet
from carriers.fetching import Fetched
from carriers.registry import adapter
from events.models import Event
from tests.carrier_server import order
from tests.factories import CarrierAccountFactory
from trackers.claims import Claim, claim
from trackers.concluding import conclude
from trackers.models import Tracker, Watch
from trackers.polling import Asked
from trackers.rebuilding import check
from webhooks.models import Message

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
NUMBER = "HSAAAA00"


@pytest.fixture
def tracker(alice: Merchant, follow: Follow) -> Tracker:
    CarrierAccountFactory(merchant=alice, courier="all24")
    return follow(alice, NUMBER)


def due_claims() -> list[Claim]:
    Watch.objects.update(next_poll_at=timezone.now() - timedelta(hours=1))
    return claim(100)


def answers(*replies: tuple[int, bytes] | Exception) -> None:
    """One poll of every watch, in the order of their couriers, with these answers."""
    claims = sorted(due_claims(), key=lambda one: one.courier)
    assert len(claims) == len(replies)
    conclude([_ended(one, reply) for one, reply in zip(claims, replies, strict=True)])


def _ended(one: Claim, reply: Any) -> tuple[Asked, Fetched[Asked]]:
    asked = Asked(one, own_account=True)
    if isinstance(reply, Exception):
        return asked, Fetched(asked, error=reply)  # type: ignore[arg-type]
    credentials = Credentials(one.account, "https://carrier.example", "key", "Asia/Bangkok")
    query = Query(one.number, credentials, asked_at=one.claimed_at, since=one.since)
    return asked, Fetched(asked, snapshot=adapter(one.courier).parse(Answer(reply[0], {}, reply[1]), query))


def silent_for(time: timedelta) -> None:
    Tracker.objects.update(created_at=timezone.now() - time, news_at=None)
    Watch.objects.update(assigned_at=timezone.now() - time)


def types() -> list[str]:
    return list(Event.objects.order_by("position").values_list("type", flat=True))


def told() -> list[str]:
    return list(Message.objects.order_by("created_at").values_list("type", flat=True))


def subscribe(client: APIClient, settings: Settings, **body: Any) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    body = {"url": "http://127.0.0.1:9/hook", "types": ["*"]} | body
    assert client.post("/v1/webhooks", body, format="json").status_code == 201


def test_a_scan_of_the_same_minute_that_comes_later_does_not_push_delivered_back(tracker: Tracker) -> None:
    status, body = order(NUMBER, "300000", "500000")
    same_minute = (status, body.replace(b"12:00:00", b"12:01:00"))
    answers(order(NUMBER, "050000", "500000"))
    answers(same_minute)
    tracker.refresh_from_db()
    codes = [scan["carrierEventCode"] for scan in tracker.state["scans"]]
    assert codes == ["050000", "300000", "500000"]
    assert tracker.milestone == "delivered"


def test_a_withdrawn_delivery_that_comes_back_is_told(
    tracker: Tracker, as_alice: APIClient, settings: Settings
) -> None:
    subscribe(as_alice, settings)
    full, cut = order(NUMBER, "050000", "500000"), order(NUMBER, "050000")
    answers(full)
    answers(cut)
    Watch.objects.update(absent=dict.fromkeys(Watch.objects.get().absent, "2020-01-01T00:00:00+00:00"))
    answers(cut)
    answers(full)
    assert told() == ["tracking.delivered", "tracking.info_received", "tracking.delivered"]
    assert list(check()) == []


def test_silence_stops_the_tracker_although_the_answer_rewords_something(tracker: Tracker) -> None:
    answers(order(NUMBER, "050000"))
    silent_for(timedelta(days=31))
    answers(order(NUMBER, "050000", expected_completion="2026-03-09T12:00:00+07:00"))
    tracker.refresh_from_db()
    assert types()[-2:] == ["tracking.shipment", "tracker.stopped"]
    assert tracker.stop_reason == "no_news"
    assert Watch.objects.get().next_poll_at is None


def test_of_two_couriers_one_with_news_keeps_the_tracker_going(alice: Merchant, follow: Follow) -> None:
    for courier in ("247express", "all24"):
        CarrierAccountFactory(merchant=alice, courier=courier)
    tracker = follow(alice, NUMBER, courierCode=["all24", "247express"])
    silent_for(timedelta(days=31))
    answers(NotFoundYet(), order(NUMBER, "100000", "500000"))
    tracker.refresh_from_db()
    assert (tracker.stop_reason, tracker.milestone) == (None, "delivered")
    assert "tracker.stopped" not in types()
    assert not Watch.objects.filter(next_poll_at=None).exists()


def test_of_two_silent_couriers_both_are_stopped_once(alice: Merchant, follow: Follow) -> None:
    for courier in ("247express", "all24"):
        CarrierAccountFactory(merchant=alice, courier=courier)
    follow(alice, NUMBER, courierCode=["all24", "247express"])
    silent_for(timedelta(days=31))
    answers(NotFoundYet(), NotFoundYet())
    assert types() == ["tracker.created", "tracker.stopped"]
    assert Watch.objects.filter(next_poll_at=None).count() == 2


def test_a_message_holds_only_what_is_news(tracker: Tracker, as_alice: APIClient, settings: Settings) -> None:
    subscribe(as_alice, settings)
    answers(order(NUMBER, "050000"))
    status, body = order(NUMBER, "050000", "100000")
    answers((status, body.replace(b'"Depot"', b'"The depot"', 2)))
    message = Message.objects.latest("created_at")
    assert b"Event 100000" in bytes(message.body)
    assert b"Event 050000" not in bytes(message.body)


def test_an_endpoint_that_filters_by_courier_hears_of_a_tracker_without_a_named_one(
    alice: Merchant, as_alice: APIClient, follow: Follow, settings: Settings
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24")
    subscribe(as_alice, settings, couriers=["all24"])
    follow(alice, NUMBER, courierCode=None)
    answers(order(NUMBER, "050000"))
    answers(order(NUMBER, "050000", expected_completion="2026-03-09T12:00:00+07:00"))
    assert told() == ["tracker.created", "tracking.info_received", "tracking.updated"]
