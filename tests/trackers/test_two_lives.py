"""One number, two parcels: what is known of the older one is set apart, and seen by whoever looks."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from events.models import Event
from tests.carrier_server import CarrierServer, order
from tests.factories import CarrierAccountFactory
from tests.trackers.test_recording_rules import answers, subscribe, told, types
from trackers.dialects import all24, express247
from trackers.models import PersonalData, Tracker, Watch
from trackers.rebuilding import check
from webhooks.models import Message

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
Poll = Callable[[], int]
NUMBER = "HSAAAA00"


def day(ago: int) -> str:
    return f"{timezone.now() - timedelta(days=ago):%Y-%m-%d}"


def answer(*scans: tuple[int, str], **fields: Any) -> tuple[int, bytes]:
    """An all24 answer: (days ago, event code), oldest first."""
    history = [
        {"event_time": f"{day(ago)} 12:00:00", "event_name": f"Event {code}", "event_code": code}
        for ago, code in scans
    ]
    return order(NUMBER, history=history[::-1], **fields)


#: The parcel that had the number half a year ago, and the one that has it now.
OLD = ((210, "050000"), (205, "500000"))
NEW = ((3, "050000"), (2, "100000"))


@pytest.fixture
def tracker(alice: Merchant, follow: Follow) -> Tracker:
    CarrierAccountFactory(merchant=alice, courier="all24")
    return follow(alice, NUMBER, shippingDate=day(3), clientTrackerId="mine")


def results(client: APIClient, tracker: Tracker) -> Any:
    (tracking,) = client.get(f"/v1/trackers/{tracker.id}/results").json()["data"]["trackings"]
    return tracking


def patch(client: APIClient, tracker: Tracker, **body: Any) -> Any:
    return client.patch(f"/v1/trackers/{tracker.id}", body, format="json")


def test_the_older_parcel_is_shown_apart_and_nobody_is_told(
    tracker: Tracker, as_alice: APIClient, settings: Settings
) -> None:
    subscribe(as_alice, settings)
    answers(answer(*OLD))
    shown = results(as_alice, tracker)
    assert shown["shipment"]["statusMilestone"] == "pending"
    assert (shown["events"], set(shown["statistics"]["timestamps"].values())) == ([], {None})
    apart = [(one["carrierEventCode"], one["statusMilestone"]) for one in shown["quarantinedEvents"]]
    assert apart == [("500000", "delivered"), ("050000", "info_received")]
    assert told() == []
    assert list(check()) == []


def test_the_parcels_own_scans_are_told_and_the_older_ones_never(
    tracker: Tracker, as_alice: APIClient, settings: Settings
) -> None:
    subscribe(as_alice, settings)
    answers(answer(*OLD, *NEW))
    assert told() == ["tracking.in_transit"]
    (tracking,) = json.loads(bytes(Message.objects.get().body))["trackings"]
    assert [one["carrierEventCode"] for one in tracking["events"]] == ["100000", "050000"]
    assert "quarantinedEvents" not in tracking
    assert [one["order"] for one in results(as_alice, tracker)["events"]] == [2, 1]


def test_without_older_scans_there_is_no_word_of_them(tracker: Tracker, as_alice: APIClient) -> None:
    answers(answer(*NEW))
    assert "quarantinedEvents" not in results(as_alice, tracker)


def test_the_feed_says_which_scans_are_set_apart(tracker: Tracker, as_alice: APIClient) -> None:
    answers(answer(*OLD, *NEW))
    feed = as_alice.get("/v1/events?types=tracking.scanned").json()["data"]["events"]
    assert [one["data"]["quarantined"] for one in feed] == [True, True, False, False]


def test_the_older_parcels_recipient_and_estimate_are_not_this_ones(
    tracker: Tracker, as_alice: APIClient
) -> None:
    party = {"location_name": "Somebody Else", "addressline1": "Elsewhere 1"}
    about = {"recipient_location": party, "expected_completion": "2026-04-01T12:00:00+07:00"}
    answers(answer(*OLD, **about))
    assert not PersonalData.objects.exists()
    assert results(as_alice, tracker)["shipment"]["delivery"]["estimatedDeliveryDate"] is None
    answers(answer(*OLD, *NEW, **about))
    assert results(as_alice, tracker)["shipment"]["recipient"]["name"] == "Somebody Else"


def test_their_loss_at_the_carrier_is_recorded_and_not_told(
    tracker: Tracker, as_alice: APIClient, settings: Settings
) -> None:
    subscribe(as_alice, settings)
    answers(answer(*OLD, *NEW))
    answers(answer(*NEW))
    Watch.objects.update(absent=dict.fromkeys(Watch.objects.get().absent, "2020-01-01T00:00:00+00:00"))
    answers(answer(*NEW))
    assert types().count("tracking.scan_withdrawn") == 2
    assert told() == ["tracking.in_transit"]
    assert "quarantinedEvents" not in results(as_alice, tracker)


def test_a_wrong_shipping_date_can_be_put_right_and_all_is_judged_anew_at_once(
    as_alice: APIClient,
    alice: Merchant,
    carrier: CarrierServer,
    follow: Follow,
    poll_all: Poll,
    settings: Settings,
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    carrier.replies[NUMBER] = answer((20, "050000"), (19, "500000"))
    tracker = follow(alice, NUMBER, shippingDate=day(3))
    poll_all()
    subscribe(as_alice, settings)
    assert patch(as_alice, tracker, shippingDate=day(21)).status_code == 200
    assert poll_all() == 1
    shown = results(as_alice, tracker)
    assert (shown["shipment"]["statusMilestone"], len(shown["events"])) == ("delivered", 2)
    assert "quarantinedEvents" not in shown
    assert told() == ["tracker.updated", "tracking.delivered"]
    assert types().count("tracking.scan_amended") == 2
    assert list(check()) == []


def test_a_poll_that_was_under_way_when_the_date_changed_is_not_heard_and_asked_again(
    as_alice: APIClient, alice: Merchant, carrier: CarrierServer, follow: Follow, poll_all: Poll
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    carrier.replies[NUMBER] = plain = answer((20, "050000"), (19, "500000"))
    tracker = follow(alice, NUMBER, shippingDate=day(3))
    poll_all()

    def changed_meanwhile() -> tuple[int, bytes]:
        carrier.replies[NUMBER] = plain
        try:
            assert patch(as_alice, tracker, shippingDate=day(21)).status_code == 200
        finally:
            connection.close()
        return plain

    carrier.replies[NUMBER] = changed_meanwhile
    Watch.objects.update(next_poll_at=timezone.now())
    poll_all()
    tracker.refresh_from_db()
    assert (tracker.milestone, len(carrier.asked)) == ("delivered", 3)
    assert list(check()) == []


def test_once_a_scan_counts_the_shipping_date_stays(tracker: Tracker, as_alice: APIClient) -> None:
    answers(answer(*OLD, NEW[0]))
    refused = patch(as_alice, tracker, shippingDate=day(1))
    assert refused.json()["errors"][0]["code"] == "tracker_not_updatable"


def test_while_only_older_scans_are_known_the_parcel_is_not_found_yet(
    tracker: Tracker, as_alice: APIClient
) -> None:
    answers(answer(*OLD))
    assert patch(as_alice, tracker, originCountryCode="VN", shippingDate=None).status_code == 200
    assert Watch.objects.get().last_digest is None


def test_a_stopped_tracker_judges_when_it_is_taken_up_and_is_not_asked_before(
    tracker: Tracker, as_alice: APIClient
) -> None:
    answers(answer(*OLD))
    patch(as_alice, tracker, isSubscribed=False)
    patch(as_alice, tracker, shippingDate=None)
    assert Watch.objects.get().next_poll_at is None
    patch(as_alice, tracker, isSubscribed=True)
    answers(answer(*OLD))
    tracker.refresh_from_db()
    assert tracker.milestone == "delivered"


def test_two_trackers_of_one_number_each_have_their_own_parcel(
    tracker: Tracker, alice: Merchant, follow: Follow, as_alice: APIClient
) -> None:
    planned = follow(alice, NUMBER, shippingDate=day(-30))
    answers(answer(*OLD, *NEW), answer(*OLD, *NEW))
    found = as_alice.get(f"/v1/trackers/search/{NUMBER}/results").json()["data"]["trackings"]
    assert [(len(one["events"]), len(one["quarantinedEvents"])) for one in found] == [(0, 4), (2, 2)]
    assert found[0]["tracker"]["trackerId"] == str(planned.id)


def test_the_served_dialects_tell_of_the_parcel_alone(tracker: Tracker, alice: Merchant) -> None:
    answers(answer(*OLD, *NEW))
    tracker.refresh_from_db()
    assert len(all24.order_shape(tracker, None)["history"]) == 2
    assert express247.order_shape(tracker, None)["status"] == "PICKED_UP"


def test_operations_staff_sees_what_is_set_apart(tracker: Tracker, admin_user: User) -> None:
    answers(answer(*OLD))
    staff = Client()
    staff.force_login(admin_user)
    page = staff.get(f"/admin/trackers/tracker/{tracker.id}/change/").content.decode()
    shown = " ".join(strip_tags(page).split())
    apart = shown.split("they count for nothing.")[1].split("Newest first")[0]
    assert "Event 500000" in apart
    assert "Event 050000" in apart


def test_silence_is_not_broken_by_another_parcels_scans(tracker: Tracker) -> None:
    answers(answer(*OLD))
    tracker.refresh_from_db()
    assert (tracker.news_at, tracker.due_on, tracker.version) == (None, None, 3)
    assert Event.objects.filter(data__quarantined=True).count() == 2
