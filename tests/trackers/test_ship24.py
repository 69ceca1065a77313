"""Trackers that are followed by way of Ship24: what it is told of them, and how asking for more goes."""

from collections.abc import Callable

import pytest
from django.db.models.functions import Now

from accounts.models import Merchant
from carriers.models import CarrierAccount
from tests.factories import CarrierAccountFactory
from tests.ship24_server import KEY, Ship24Server, event
from trackers.models import Tracker, Watch

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "RR123456785GB"
Follow = Callable[..., Tracker]
Poll = Callable[[], int]


@pytest.fixture
def own(alice: Merchant, there: Ship24Server) -> CarrierAccount:
    return CarrierAccountFactory(merchant=alice, courier="ship24", key=KEY, base_url=there.url)


def test_ship24_is_told_what_the_merchant_told_of_the_parcel_and_nothing_else(
    alice: Merchant, own: CarrierAccount, there: Ship24Server, follow: Follow, poll_all: Poll
) -> None:
    there.finds = [event("a", "delivered")]
    given = {"destinationCountryCode": "USA", "destinationPostCode": "78738", "title": "A present"}
    tracker = follow(alice, NUMBER, courierCode="ship24", recipient={"name": "R. Ecipient"}, **given)
    poll_all()
    assert there.trackers[str(tracker.id)].body == {
        "trackingNumber": NUMBER,
        "clientTrackerId": str(tracker.id),
        "destinationCountryCode": "US",
        "destinationPostCode": "78738",
    }
    tracker.refresh_from_db()
    assert tracker.milestone == "delivered"


def test_a_poll_of_a_stopped_tracker_starts_nothing_there(
    alice: Merchant, own: CarrierAccount, there: Ship24Server, follow: Follow, poll_all: Poll
) -> None:
    follow(alice, NUMBER, courierCode="ship24")
    Tracker.objects.update(stop_reason="no_news")
    poll_all()
    assert there.methods == ["GET"]
    assert Watch.objects.get().last_outcome == "not_found"


def test_a_used_up_plan_keeps_the_account_and_says_why(
    alice: Merchant, own: CarrierAccount, there: Ship24Server, follow: Follow, poll_all: Poll
) -> None:
    there.says("POST", 403, "quota_limit_reached")
    follow(alice, NUMBER, courierCode="ship24")
    poll_all()
    watch = Watch.objects.get()
    own.refresh_from_db()
    assert (own.state, own.resting_until) == ("active", None)
    assert watch.last_outcome == "throttled"
    assert watch.last_error == "Ship24 answered 403: quota_limit_reached"


def test_a_create_whose_answer_was_lost_makes_one_tracker_there(
    alice: Merchant, own: CarrierAccount, there: Ship24Server, follow: Follow, poll_all: Poll
) -> None:
    tracker = follow(alice, NUMBER, courierCode="ship24")
    there.says("POST", 500)
    poll_all()
    there.finds = [event("a")]
    Watch.objects.update(next_poll_at=Now())
    poll_all()
    assert list(there.trackers) == [str(tracker.id)]
    tracker.refresh_from_db()
    assert [scan["scanKey"] for scan in tracker.state["scans"]] == ["ship24|a"]
