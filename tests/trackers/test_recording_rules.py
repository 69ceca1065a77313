"""What one append holds and tells: corrections, stops, two couriers on one number."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.adapter import Answer, Credentials, Query
from carriers.exceptions import NotFoundYet, NotYourParcel
from carriers.fetching import Fetched
from carriers.registry import adapter
from events.models import Event
from tests.carrier_server import order
from tests.factories import CarrierAccountFactory
from trackers import creating
from trackers.asking import poll_now
from trackers.claims import Claim, claim
from trackers.concluding import conclude
from trackers.detection import settle_accounts
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
    return sorted(claim(100), key=lambda one: one.courier)


def answers(*replies: tuple[int, bytes] | Exception) -> None:
    """One poll of every watch, in the order of their couriers, with these answers."""
    claims = due_claims()
    assert len(claims) == len(replies)
    conclude([_ended(one, reply) for one, reply in zip(claims, replies, strict=True)])


def _ended(one: Claim, reply: Any) -> tuple[Asked, Fetched[Asked]]:
    asked = Asked(one, own_account=True)
    if isinstance(reply, Exception):
        return asked, Fetched(asked, error=reply)  # type: ignore[arg-type]
    credentials = Credentials(one.account, "https://carrier.example", "key", "Asia/Bangkok")
    query = Query(one.number, credentials, one.claimed_at, one.since, one.tracker)
    return asked, Fetched(asked, snapshot=adapter(one.courier).parse(Answer(reply[0], {}, reply[1]), query))


def silent_for(time: timedelta) -> None:
    then = timezone.now() - time
    Tracker.objects.update(created_at=then, news_at=then, milestone_at=then)
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


@pytest.fixture
def at_two_couriers(alice: Merchant, follow: Follow) -> Tracker:
    for courier in ("247express", "all24"):
        CarrierAccountFactory(merchant=alice, courier=courier)
    return follow(alice, NUMBER, courierCode=["all24", "247express"])


def test_of_two_couriers_one_with_news_keeps_the_tracker_going(at_two_couriers: Tracker) -> None:
    tracker = at_two_couriers
    silent_for(timedelta(days=31))
    answers(NotFoundYet(), order(NUMBER, "100000", "500000"))
    tracker.refresh_from_db()
    assert (tracker.stop_reason, tracker.milestone) == (None, "delivered")
    assert "tracker.stopped" not in types()
    assert not Watch.objects.filter(next_poll_at=None).exists()


@pytest.mark.usefixtures("at_two_couriers")
def test_of_two_silent_couriers_both_are_stopped_once() -> None:
    silent_for(timedelta(days=31))
    answers(NotFoundYet(), NotFoundYet())
    assert types() == ["tracker.created", "tracker.stopped"]
    assert Watch.objects.filter(next_poll_at=None).count() == 2


@pytest.mark.usefixtures("at_two_couriers")
def test_of_two_silent_couriers_the_silence_is_told_once() -> None:
    silent_for(timedelta(days=4))
    answers(NotFoundYet(), NotFoundYet())
    answers(NotFoundYet(), NotFoundYet())
    assert types() == ["tracker.created", "tracking.stalled"]


@pytest.mark.usefixtures("at_two_couriers")
def test_of_two_couriers_one_with_news_ends_the_silence() -> None:
    silent_for(timedelta(days=4))
    answers(NotFoundYet(), order(NUMBER, "100000"))
    assert "tracking.stalled" not in types()


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


def test_a_slow_answer_without_news_does_not_stop_what_a_quick_one_brought_news_for(
    at_two_couriers: Tracker,
) -> None:
    silent_for(timedelta(days=31))
    slow, quick = due_claims()
    conclude([_ended(quick, order(NUMBER, "100000"))])
    conclude([_ended(slow, NotFoundYet())])
    at_two_couriers.refresh_from_db()
    assert at_two_couriers.stop_reason is None


def test_a_parcel_that_is_not_this_accounts_stays_due_where_another_courier_has_news(
    at_two_couriers: Tracker,
) -> None:
    silent_for(timedelta(days=31))
    answers(NotYourParcel(), order(NUMBER, "100000"))
    disowned = Watch.objects.get(courier="247express")
    assert disowned.carrier_account is None
    assert disowned.next_poll_at is not None


def test_a_courier_that_can_be_asked_only_now_is_not_cut_off_by_a_silent_one(
    alice: Merchant, follow: Follow
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24")
    tracker = follow(alice, NUMBER, courierCode=["all24", "247express"])
    silent_for(timedelta(days=31))
    CarrierAccountFactory(merchant=alice, courier="247express")
    settle_accounts()
    answers(NotFoundYet(), NotFoundYet())
    tracker.refresh_from_db()
    assert tracker.stop_reason is None


def same_time(*codes: str, **fields: Any) -> tuple[int, bytes]:
    """These events at one moment, in the carrier's order."""
    status, body = order(NUMBER, *codes, **fields)
    return status, re.sub(rb"12:\d\d:00", b"12:00:00", body)


def test_a_reordered_list_that_moves_the_parcel_is_told_and_ends_the_silence(
    tracker: Tracker, as_alice: APIClient, settings: Settings
) -> None:
    subscribe(as_alice, settings)
    answers(same_time("300000", "050000"))
    silent_for(timedelta(days=31))
    for _ in range(2):
        answers(same_time("050000", "300000", expected_completion="2026-03-09T12:00:00+07:00"))
    assert told() == ["tracking.info_received", "tracking.in_transit"]
    (tracking,) = json.loads(bytes(Message.objects.latest("created_at").body))["trackings"]
    assert [scan["carrierEventCode"] for scan in tracking["events"]] == ["300000"]
    tracker.refresh_from_db()
    assert tracker.stop_reason is None


def test_asking_for_polls_of_what_is_in_flight_does_not_pass_the_accounts_cap(
    alice: Merchant, follow: Follow
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24")
    for n in range(30):
        follow(alice, f"HSAAAA{n:02}")
    under_way = claim(100)
    for one in under_way:
        poll_now(Tracker.objects.get(id=one.tracker))
    assert (len(under_way), claim(100)) == (10, [])


def test_a_create_whose_commit_was_not_heard_of_finds_its_own_tracker(
    alice: Merchant, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    plainly, tries = creating._create, []

    def lost(*given: Any) -> Any:
        made = plainly(*given)
        tries.append(made)
        if len(tries) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return made

    monkeypatch.setattr(creating, "_create", lost)
    assert follow(alice, NUMBER) == Tracker.objects.get()
    assert types() == ["tracker.created"]
