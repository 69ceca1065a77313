"""247Express tells an order's status before its list holds it: scans without a time, until it comes."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Merchant
from carriers.adapter import Answer, Credentials, Query
from carriers.fetching import Fetched
from carriers.registry import adapter
from tests.factories import CarrierAccountFactory
from trackers.claims import claim
from trackers.concluding import conclude
from trackers.models import Tracker, Watch
from trackers.polling import Asked
from trackers.rebuilding import check

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "VN-000123"
#: Ten in the morning in Vietnam.
TEN = datetime(2026, 3, 2, 3, tzinfo=UTC)


@pytest.fixture
def tracker(alice: Merchant, follow: Callable[..., Tracker]) -> Tracker:
    CarrierAccountFactory(merchant=alice, courier="247express", time_zone="Asia/Ho_Chi_Minh")
    return follow(alice, NUMBER, courierCode="247express")


def answered(hours: int, status: str, *listed: dict[str, str], **fields: Any) -> None:
    """A poll so many hours after TEN: the order's own status, and what its list holds."""
    Watch.objects.update(next_poll_at=timezone.now() - timedelta(hours=1))
    (claimed,) = claim(1)
    claimed = replace(claimed, claimed_at=TEN + timedelta(hours=hours))
    credentials = Credentials(claimed.account, "https://carrier.example", "key", "Asia/Ho_Chi_Minh")
    query = Query(NUMBER, credentials, claimed.claimed_at, claimed.since, claimed.tracker)
    order = {"orderCode": NUMBER, "status": status, "statuses": list(listed), **fields}
    parsed = adapter("247express").parse(Answer(200, {}, json.dumps(order).encode()), query)
    asked = Asked(claimed, own_account=True)
    conclude([(asked, Fetched(asked, snapshot=parsed))])


def listed(status: str, time: str, **fields: str) -> dict[str, str]:
    return {"status": status, "time": f"2026-03-02 {time}", **fields}


def words(tracker: Tracker) -> list[str]:
    tracker.refresh_from_db()
    return [scan["carrierEventCode"] for scan in tracker.state["scans"]]


def test_a_delivery_known_by_its_day_stands_after_the_status_seen_that_morning(tracker: Tracker) -> None:
    answered(0, "DELIVERING")
    answered(5, "DELIVERED", deliveryDate="02/03/2026")
    assert words(tracker) == ["DELIVERING", "DELIVERED"]
    assert (tracker.milestone, tracker.final) == ("delivered", True)


def test_a_delivery_listed_with_an_earlier_time_than_our_first_sight_of_the_status_before(
    tracker: Tracker,
) -> None:
    answered(0, "DELIVERING", listed("ACCEPTED", "08:00:00"))
    for hours in (5, 9):
        answered(hours, "DELIVERED", listed("ACCEPTED", "08:00:00"), listed("DELIVERED", "09:55:00"))
    assert words(tracker) == ["ACCEPTED", "DELIVERING", "DELIVERED"]
    assert tracker.milestone == "delivered"
    assert list(check()) == []


@pytest.mark.parametrize("reworded", [{}, {"statusName": "Out for delivery"}])
def test_a_repeated_status_is_a_scan_of_its_own_although_the_list_dropped_its_past(
    tracker: Tracker, reworded: dict[str, str]
) -> None:
    first, failed = listed("DELIVERING", "08:00:00"), listed("PENDING_FOR_PROCEED", "09:00:00")
    second, again = listed("DELIVERING", "09:30:00"), listed("PENDING_FOR_PROCEED", "11:00:00")
    answered(0, "DELIVERING", first, failed)
    answered(1, "DELIVERING", first, failed, second)
    answered(2, "PENDING_FOR_PROCEED", first, failed, second, again)
    for hours in (3, 4):
        answered(hours, "DELIVERING", second | reworded, again)
    assert words(tracker)[-1] == "DELIVERING"
    assert tracker.milestone == "out_for_delivery"
    assert [bool(scan["occurrenceDatetime"]) for scan in tracker.state["scans"]] == [True] * 4 + [False]
    assert Watch.objects.get().last_outcome == "unchanged"
    assert list(check()) == []
