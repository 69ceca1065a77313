"""Carriers that contradict themselves and each other: what is shown, counted and told of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.exceptions import NotFoundYet
from tests.carrier_server import order
from tests.factories import CarrierAccountFactory
from tests.trackers.test_recording_rules import answers, subscribe, told, types
from trackers.dialects import express247
from trackers.models import Tracker, Watch
from trackers.rebuilding import check
from webhooks.models import Message

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[..., Tracker]
NUMBER = "HSAAAA00"
#: Carriers write the hours of their own clock.
START = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def tracker(alice: Merchant, follow: Follow, as_alice: APIClient, settings: Settings) -> Tracker:
    CarrierAccountFactory(merchant=alice, courier="all24")
    made = follow(alice, NUMBER)
    subscribe(as_alice, settings)
    return made


def at(hours: float) -> str:
    return f"{START + timedelta(hours=hours):%Y-%m-%d %H:%M:%S}"


def all24(*scans: tuple[float, str]) -> tuple[int, bytes]:
    """all24's answer: (hours from the start, event code), listed as given, oldest first."""
    history = [
        {"event_time": at(hours), "event_name": f"Event {code}", "event_code": code} for hours, code in scans
    ]
    return order(NUMBER, history=history[::-1])


def express(*scans: tuple[float, str]) -> tuple[int, bytes]:
    """247Express's answer, in the same hours of the clock."""
    statuses = [{"time": at(hours).replace(" ", "T"), "status": word} for hours, word in scans]
    return 200, json.dumps({"orderCode": NUMBER, "statuses": statuses}).encode()


def results(client: APIClient, tracker: Tracker) -> Any:
    (tracking,) = client.get(f"/v1/trackers/{tracker.id}/results").json()["data"]["trackings"]
    return tracking


def test_a_scan_minutes_after_a_delivery_is_shown_in_its_place_and_moves_nothing(
    tracker: Tracker, as_alice: APIClient
) -> None:
    answers(all24((0, "100000"), (1, "500000")))
    answers(all24((0, "100000"), (1, "500000"), (1.1, "200000")))
    shown = results(as_alice, tracker)
    assert shown["shipment"]["statusCode"] == "delivery_delivered"
    assert [(one["carrierEventCode"], one["statusMilestone"]) for one in shown["events"]] == [
        ("200000", "delivered"),
        ("500000", "delivered"),
        ("100000", "in_transit"),
    ]
    assert told() == ["tracking.delivered", "tracking.updated"]
    tracker.refresh_from_db()
    assert tracker.final


def test_a_delivery_that_was_none_is_told_and_so_is_the_next_one(
    tracker: Tracker, as_alice: APIClient
) -> None:
    scans = [(0, "100000"), (1, "500000"), (24, "200000"), (26, "500000")]
    for known in (2, 3, 4):
        answers(all24(*scans[:known]))
    assert told() == ["tracking.delivered", "tracking.in_transit", "tracking.delivered"]
    (again,) = json.loads(bytes(Message.objects.order_by("sequence")[1].body))["trackings"]
    assert again["metadata"]["previousMilestone"] == "delivered"
    # The first of each milestone: the delivery that was none is a scan that its carrier stands by.
    assert results(as_alice, tracker)["statistics"]["timestamps"]["deliveredDatetime"].startswith(
        "2026-03-01T10"
    )
    assert list(check()) == []


def test_late_scans_of_the_way_are_news_and_not_a_move(tracker: Tracker, as_alice: APIClient) -> None:
    answers(all24((5, "500000")))
    answers(all24((0, "050000"), (1, "100000"), (5, "500000")))
    assert told() == ["tracking.delivered", "tracking.updated"]
    shown = results(as_alice, tracker)
    assert shown["statistics"]["timestamps"]["inTransitDatetime"] == "2026-03-01T10:00:00+07:00"
    assert [one["order"] for one in shown["events"]] == [3, 2, 1]


def test_a_delivery_whose_time_is_corrected_stands_where_it_belongs(tracker: Tracker) -> None:
    answers(all24((0, "100000"), (1, "500000"), (30, "200000")))
    answers(all24((0, "100000"), (30, "200000"), (31, "500000")))
    tracker.refresh_from_db()
    assert tracker.milestone == "delivered"
    assert told() == ["tracking.in_transit", "tracking.delivered"]


@pytest.fixture
def at_two_couriers(alice: Merchant, follow: Follow, as_alice: APIClient, settings: Settings) -> Tracker:
    for courier in ("247express", "all24"):
        CarrierAccountFactory(merchant=alice, courier=courier)
    made = follow(alice, NUMBER, courierCode=["all24", "247express"])
    subscribe(as_alice, settings)
    return made


def test_two_couriers_tell_one_timeline(at_two_couriers: Tracker, as_alice: APIClient) -> None:
    answers(express((2, "DELIVERING"), (3, "DELIVERED")), all24((0, "050000"), (1, "100000")))
    shown = results(as_alice, at_two_couriers)
    assert [one["courierCode"] for one in shown["events"]] == ["247express"] * 2 + ["all24"] * 2
    assert shown["shipment"]["statusMilestone"] == "delivered"
    assert told() == ["tracking.delivered"]


def test_a_delivery_that_both_tell_is_two_scans_and_told_once_as_one(
    at_two_couriers: Tracker, as_alice: APIClient
) -> None:
    answers(NotFoundYet(), all24((0, "100000"), (1, "500000")))
    answers(express((1, "DELIVERED")), all24((0, "100000"), (1, "500000")))
    assert told() == ["tracking.delivered", "tracking.updated"]
    assert len(results(as_alice, at_two_couriers)["events"]) == 3


def test_what_the_slower_courier_tells_after_the_delivery_does_not_undo_it(at_two_couriers: Tracker) -> None:
    answers(express((1, "DELIVERED")), NotFoundYet())
    answers(express((1, "DELIVERED")), all24((0, "100000"), (1.5, "300000")))
    at_two_couriers.refresh_from_db()
    assert (at_two_couriers.milestone, at_two_couriers.final) == ("delivered", True)
    assert express247.order_shape(at_two_couriers, None)["deliveryDate"] == "2026-03-01T10:00:00"
    assert express247.order_shape(at_two_couriers, None)["status"] == "DELIVERED"


def test_a_courier_that_forgets_the_parcel_withdraws_nothing_of_the_others(at_two_couriers: Tracker) -> None:
    both = express((0, "PICKED_UP"), (2, "DELIVERING")), all24((0, "100000"), (3, "500000"))
    answers(*both)
    for _ in range(2):
        answers(both[0], all24((0, "100000")))
        for watch in Watch.objects.exclude(absent={}):
            Watch.objects.filter(id=watch.id).update(
                absent=dict.fromkeys(watch.absent, "2020-01-01T00:00:00+00:00")
            )
    at_two_couriers.refresh_from_db()
    assert types().count("tracking.scan_withdrawn") == 1
    assert at_two_couriers.milestone == "out_for_delivery"
    assert told() == ["tracking.delivered", "tracking.out_for_delivery"]
    assert list(check()) == []


def test_a_return_that_is_done_outranks_the_delivery_to_the_sender(at_two_couriers: Tracker) -> None:
    answers(express((1, "RETURNED")), all24((0, "100000"), (1.2, "500000")))
    at_two_couriers.refresh_from_db()
    assert (at_two_couriers.milestone, at_two_couriers.status_code) == ("exception", "exception_return")


def test_a_lost_parcel_that_is_found_goes_on(at_two_couriers: Tracker) -> None:
    answers(express((0, "LOST")), NotFoundYet())
    answers(express((0, "LOST"), (0.1, "IN_TRANSIT")), NotFoundYet())
    assert told() == ["tracking.exception", "tracking.in_transit"]
