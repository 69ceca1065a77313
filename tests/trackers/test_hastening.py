"""News of a parcel brings its other polls forward: the cadence begins anew, whoever tells."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from tests.ship24_server import KEY, Ship24Server, event, push, tracking
from trackers.models import Tracker, Watch

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "whsec_of_alice"
NUMBER = "HSAAAA00"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
Follow = Callable[..., Tracker]
Poll = Callable[[], int]


@pytest.fixture
def ship24(alice: Merchant, there: Ship24Server) -> CarrierAccount:
    return CarrierAccountFactory(
        merchant=alice, courier="ship24", key=KEY, base_url=there.url, push_secret=SECRET, time_zone=""
    )


@pytest.fixture
def tracker(
    alice: Merchant,
    carrier: CarrierServer,
    account: CarrierAccount,
    ship24: CarrierAccount,
    follow: Follow,
    poll_all: Poll,
) -> Tracker:
    """At two couriers, of which all24 knows it; both were just asked."""
    carrier.replies[NUMBER] = order(NUMBER, "050000", "100000")
    tracker = follow(alice, NUMBER, courierCode=["all24", "ship24"])
    poll_all()
    Watch.objects.update(next_poll_at=timezone.now() + 20 * HOUR, urgency=3)
    return tracker


def tell(account: CarrierAccount, tracker: Tracker, milestone: str, at: str = "") -> None:
    at = at or f"{timezone.now():%Y-%m-%dT%H:%M:%SZ}"
    body = push(tracking(tracker.id, event("a", milestone, at)))
    answer = APIClient().post(
        f"/v1/carriers/ship24/push/{account.push_token}",
        json.dumps(body).encode(),
        content_type="application/json",
        HTTP_AUTHORIZATION=f"Bearer {SECRET}",
    )
    assert answer.status_code == 200


def due(courier: str) -> datetime:
    found = Watch.objects.get(courier=courier).next_poll_at
    assert found is not None
    return found


def test_after_a_push_all_of_its_couriers_are_asked_at_the_new_pace(
    tracker: Tracker, ship24: CarrierAccount
) -> None:
    tell(ship24, tracker, "out_for_delivery")
    tracker.refresh_from_db()
    assert tracker.milestone == "out_for_delivery"
    for watch in tracker.watches.all():
        assert due(watch.courier) < timezone.now() + 23 * MINUTE
        assert watch.urgency == 1


def test_the_same_push_again_changes_nothing(tracker: Tracker, ship24: CarrierAccount) -> None:
    tell(ship24, tracker, "out_for_delivery", at="2026-03-02T09:00:00Z")
    Watch.objects.update(next_poll_at=timezone.now() + 20 * HOUR)
    before = due("all24")
    tell(ship24, tracker, "out_for_delivery", at="2026-03-02T09:00:00Z")
    assert due("all24") == before


def test_what_is_due_sooner_and_who_is_being_asked_or_failed_are_left_alone(
    tracker: Tracker, ship24: CarrierAccount
) -> None:
    soon = timezone.now() + MINUTE
    Watch.objects.filter(courier="ship24").update(next_poll_at=soon)
    Watch.objects.filter(courier="all24").update(failures=3)
    before = due("all24")
    tell(ship24, tracker, "out_for_delivery")
    assert (due("ship24"), due("all24")) == (soon, before)


def test_a_poll_with_news_brings_the_other_courier_forward(
    tracker: Tracker, carrier: CarrierServer, poll_all: Poll
) -> None:
    Watch.objects.filter(courier="all24").update(next_poll_at=timezone.now())
    carrier.replies[NUMBER] = order(NUMBER, "050000", "100000", "200000")
    poll_all()
    assert due("ship24") < timezone.now() + 10 * HOUR
    assert Watch.objects.get(courier="ship24").urgency == 2


def test_a_poll_without_news_leaves_the_other_courier_its_time(tracker: Tracker, poll_all: Poll) -> None:
    Watch.objects.filter(courier="all24").update(next_poll_at=timezone.now())
    before = due("ship24")
    poll_all()
    assert due("ship24") == before
