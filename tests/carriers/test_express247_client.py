"""247Express as a client meets it, by situation: a real server, the real poller, what REST shows."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers import days
from carriers.adapters.express247 import Express247
from carriers.budget import key_quota_of, service_quota_of
from carriers.days import Day, today
from carriers.models import CarrierAccount, DailyUse, Health, KeyUse
from carriers.outcome import Outcome
from events.models import Event
from tests.carriers.desk import (
    HANG_UP,
    SILENCE,
    Customer,
    Reply,
    health,
    is_put_off,
    open_desk,
    waits,
    watch_of,
)
from tests.carriers.orders import NUMBER, order, status, tracking
from tests.polled import poll_due
from tests.together import at_once
from trackers.detection import settle_accounts
from trackers.models import PersonalData, Tracker, Watch
from trackers.schedule import BACKOFF, Urgency
from trackers.turns import TURNS

pytestmark = pytest.mark.django_db(transaction=True)

HOME = ZoneInfo("Asia/Ho_Chi_Minh")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def alices(
    alice: Merchant, as_alice: APIClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Customer]:
    """Alice at a desk whose day is a quarter gone: no test runs into its midnight."""
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(Express247, "time_zone", where_it_is(6))
    with open_desk() as desk:
        desk.otherwise = Reply({"errorCode": "ORDERCODE_NOT_FOUND", "errorMessage": "?"})
        yield Customer(alice, as_alice, "247express", desk)


def where_it_is(hour: int) -> str:
    """A zone in which it is this hour now."""
    ahead = (hour - timezone.now().hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}"


@pytest.fixture
def account(alices: Customer) -> CarrierAccount:
    return alices.account(time_zone=HOME.key)


def reply(number: str = NUMBER, **fields: Any) -> Reply:
    return Reply(order(**{"orderCode": number} | fields))


def error(code: str, status: int = 200) -> Reply:
    return Reply({"errorCode": code, "errorMessage": "In its words."}, status)


def words(customer: Customer, tracker: Tracker) -> list[str]:
    """Oldest first."""
    return [scan["carrierEventCode"] for scan in customer.tracking(tracker)["events"]][::-1]


MOVING = [status("ACCEPTED", "2024-05-01T08:00:00"), status("PICKED_UP", "2024-05-01T09:00:00")]


# `statuses[]` and `trackings[]` tell the same scan twice


@pytest.mark.usefixtures("account")
def test_what_statuses_and_trackings_tell_twice_is_one_scan_with_the_place_and_notes(
    alices: Customer,
) -> None:
    place = {"postOfficeName": "Tan Binh", "provinceName": "HCM", "notes": "shelf 4"}
    told = reply(
        statuses=MOVING,
        trackings=[
            tracking("PICKED_UP", "2024-05-01T09:00:00", **place),
            tracking("IN_TRANSIT", "2024-05-01T10:00:00"),
        ],
    )
    tracker = alices.follow(NUMBER, told)
    alices.poll()
    assert words(alices, tracker) == ["ACCEPTED", "PICKED_UP", "IN_TRANSIT"]
    assert alices.tracking(tracker)["events"][1]["location"] == "Tan Binh, HCM"
    tracker.refresh_from_db()
    assert tracker.state["scans"][1]["raw"]["notes"] == "shelf 4"


# ORDERCODE_NOT_FOUND


@pytest.mark.usefixtures("account")
def test_ordercode_not_found_is_not_known_yet_it_stays_pending_and_is_asked_more_slowly(
    alices: Customer,
) -> None:
    tracker = alices.follow(NUMBER, error("ORDERCODE_NOT_FOUND"))
    alices.poll()
    shown = alices.shown(tracker)
    assert (shown["lastPollOutcome"], shown["lastPollError"], shown["isTracked"]) == ("not_found", None, True)
    assert alices.tracking(tracker)["shipment"]["statusMilestone"] == "pending"
    first = waits(tracker)
    assert first >= HOUR
    Tracker.objects.update(created_at=Now() - timedelta(days=10))
    Watch.objects.update(assigned_at=Now() - timedelta(days=10))
    alices.poll_again()
    assert waits(tracker) > first


# ORDERCODE_DOES_NOT_BELONG_TO_YOUR_ACCOUNT


def test_an_order_of_another_account_moves_the_watch_to_the_merchants_next_one(alices: Customer) -> None:
    owner = alices.account(key="owner")
    alices.account(key="stranger")
    tracker = alices.follow(NUMBER, reply(statuses=MOVING))
    _only_the_owner_sees(alices, "owner")
    alices.poll()
    settle_accounts()
    alices.poll()
    assert [key for _, key in alices.desk.asked] == ["stranger", "owner"]
    assert watch_of(tracker).carrier_account == owner
    assert words(alices, tracker) == ["ACCEPTED", "PICKED_UP"]


def test_that_an_order_is_not_of_an_account_is_forgotten_when_the_accounts_change(alices: Customer) -> None:
    alone = alices.account(key="alone")
    tracker = alices.follow(NUMBER, error("ORDERCODE_DOES_NOT_BELONG_TO_YOUR_ACCOUNT"))
    alices.poll()
    settle_accounts()
    assert alices.poll_again() == 0
    assert alices.shown(tracker)["lastPollOutcome"] == "refused"
    assert watch_of(tracker).carrier_account is None
    url = f"/v1/carrier-accounts/{alone.id}/key"
    assert alices.client.put(url, {"key": "another"}, format="json").status_code == 200
    alices.desk.replies[NUMBER] = reply(statuses=MOVING)
    settle_accounts()
    alices.poll_again()
    assert words(alices, tracker) == ["ACCEPTED", "PICKED_UP"]


def _only_the_owner_sees(customer: Customer, key: str) -> None:
    """The desk answers this key, and tells any other that the order is not its own."""
    mine = customer.desk.replies.pop(NUMBER)
    refused = error("ORDERCODE_DOES_NOT_BELONG_TO_YOUR_ACCOUNT")
    customer.desk.by_key = lambda asked: mine if asked == key else refused


# MISSING_APIKEY, APIKEY_NOT_FOUND


@pytest.mark.parametrize("code", ["MISSING_APIKEY", "APIKEY_NOT_FOUND"])
def test_missing_apikey_and_apikey_not_found_suspend_the_account_and_alert_operations(
    alices: Customer, account: CarrierAccount, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    alices.desk.otherwise = error(code)
    alices.follow(NUMBER)
    with caplog.at_level(logging.WARNING):
        alices.poll()
    account.refresh_from_db()
    assert (account.state, account.suspended_reason) == ("suspended", f"247Express answered {code}")
    assert str(account.id) in caplog.text
    assert Event.objects.filter(stream=account.id, type="carrier_account.suspended").count() == 1
    alices.follow("EX247-0002")
    alices.poll_again()
    assert alices.times_asked() == 1


# APIKEY_LIMIT


def test_apikey_limit_rests_the_account_until_the_next_day_in_ho_chi_minh_city(
    alices: Customer, account: CarrierAccount
) -> None:
    alices.follow(NUMBER, error("APIKEY_LIMIT"))
    alices.poll()
    account.refresh_from_db()
    assert account.state == "active"
    assert account.resting_until is not None
    there = account.resting_until.astimezone(HOME)
    tomorrow = timezone.now().astimezone(HOME).date() + timedelta(days=1)
    assert (there.date(), there.hour, there.minute, there.second) == (tomorrow, 0, 0, 0)


def test_after_apikey_limit_nothing_is_lost_and_trackers_resume_in_order_of_urgency(
    alices: Customer, account: CarrierAccount, settings: Settings
) -> None:
    settings.POLL_IN_FLIGHT_PER_ACCOUNT = 1
    urgencies = [Urgency.REST, Urgency.MOVED, Urgency.DUE]
    for nth, urgency in enumerate(urgencies):
        tracker = alices.follow(f"EX247-10{nth:02}", reply(f"EX247-10{nth:02}", statuses=MOVING))
        Watch.objects.filter(tracker=tracker).update(urgency=urgency)
    CarrierAccount.objects.update(resting_until=Now() + HOUR)
    assert alices.poll_again() == 0
    CarrierAccount.objects.update(resting_until=Now())
    assert alices.poll() == 3
    assert [number for number, _ in alices.desk.asked] == ["EX247-1002", "EX247-1001", "EX247-1000"]


# ORDERCODE_MIN_LENGTH, _MAX_LENGTH, _FORMAT_EXCEPTION, MISSING_ORDERCODE


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("number", ["1234", "1" * 21, "EX247/0001", "EX247 0001"])
def test_a_number_that_247express_never_takes_is_refused_at_creation(alices: Customer, number: str) -> None:
    body = {"trackingNumber": number, "courierCode": "247express"}
    answer = alices.client.post("/v1/trackers", body, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "validation_error")
    assert not Tracker.objects.exists()


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    "code",
    ["ORDERCODE_MIN_LENGTH", "ORDERCODE_MAX_LENGTH", "ORDERCODE_FORMAT_EXCEPTION", "MISSING_ORDERCODE"],
)
def test_if_it_still_comes_it_is_permanent_for_that_tracker_alone(alices: Customer, code: str) -> None:
    tracker = alices.follow(NUMBER, error(code))
    other = alices.follow("EX247-0002", reply("EX247-0002", statuses=MOVING))
    alices.poll()
    shown = alices.shown(tracker)
    assert (shown["lastPollOutcome"], shown["lastPollError"]) == ("refused", f"247Express answered {code}")
    assert waits(tracker) >= timedelta(days=1)
    assert words(alices, other) == ["ACCEPTED", "PICKED_UP"]


# EXCEPTION, 5xx, timeout

FAILURES = {
    "EXCEPTION": error("EXCEPTION"),
    "EXCEPTION with 500": error("EXCEPTION", 500),
    "502": Reply(b"<html>", 502),
    "no answer in time": SILENCE,
    "a connection that breaks off": HANG_UP,
}


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("failure", FAILURES)
def test_exception_5xx_and_timeout_are_temporary_and_tried_again_with_backoff(
    alices: Customer, settings: Settings, failure: str
) -> None:
    settings.CARRIER_DEADLINE = 0.3
    tracker = alices.follow(NUMBER, FAILURES[failure])
    first, _ = BACKOFF[Outcome.UNREACHABLE]
    alices.poll()
    assert alices.shown(tracker)["lastPollOutcome"] == "unreachable"
    assert is_put_off(tracker, first)
    alices.poll_again()
    assert is_put_off(tracker, 2 * first)
    alices.desk.replies[NUMBER] = reply(statuses=MOVING)
    settings.CARRIER_DEADLINE = 60
    alices.poll_again()
    assert words(alices, tracker) == ["ACCEPTED", "PICKED_UP"]
    assert watch_of(tracker).failures == 0


def test_exception_for_three_numbers_opens_the_circuit_and_an_answer_closes_it(
    alices: Customer, account: CarrierAccount
) -> None:
    for nth in range(3):
        alices.follow(f"EX247-10{nth:02}", error("EXCEPTION"))
    alices.poll()
    assert health(account).circuit == "open"
    assert alices.poll_again() == 0
    Health.objects.update(open_until=Now() - MINUTE)
    for nth in range(3):
        alices.desk.replies[f"EX247-10{nth:02}"] = reply(f"EX247-10{nth:02}", statuses=MOVING)
    alices.poll_again()
    assert health(account).circuit == "closed"
    assert Tracker.objects.filter(milestone="in_transit").count() == 3


# the daily quota (200,000 a key, set per carrier account)


def test_the_daily_quota_is_200_000_a_key() -> None:
    assert key_quota_of("247express") == 200_000


def test_the_quota_is_the_keys_whichever_of_its_accounts_asks(
    alices: Customer, bob: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Express247, "daily_quota", 5)
    bobs = Customer(bob, alices.client, "247express", alices.desk)
    for customer, name in ((alices, "10"), (bobs, "20")):
        customer.account()
        for nth in range(4):
            customer.follow(f"EX247-{name}{nth:02}", reply(f"EX247-{name}{nth:02}", statuses=MOVING))
    at_once(*[poll_due] * 3)
    alices.poll()
    assert alices.times_asked() == KeyUse.objects.get().reserved == 5
    alices.account(key="another")
    assert alices.times_asked() == 5


def test_the_daily_quota_is_counted_before_the_call_and_never_exceeded_by_all_workers_together(
    alices: Customer,
) -> None:
    account = alices.account(daily_quota=5)
    for nth in range(12):
        alices.follow(f"EX247-10{nth:02}", reply(f"EX247-10{nth:02}", statuses=MOVING))
    at_once(*[poll_due] * 3)
    assert alices.times_asked() == 5
    used = DailyUse.objects.get(account=account)
    day = today("247express", timezone.now())
    assert day is not None
    assert (used.reserved, used.day) == (5, day.date)
    alices.poll()
    assert alices.times_asked() == 5
    assert Watch.objects.filter(last_polled_at=None, next_poll_at__isnull=False).count() == 7


def test_scheduled_repeats_are_spread_over_the_day_and_what_is_asked_for_may_use_the_rest(
    alices: Customer,
) -> None:
    account = alices.account(daily_quota=1000)
    repeated = alices.follow(NUMBER, reply(statuses=MOVING))
    alices.poll()
    DailyUse.objects.filter(account=account).update(reserved=600)
    assert alices.poll_again() == 0
    assert alices.client.post(f"/v1/trackers/{repeated.id}/poll").status_code == 202
    new = alices.follow("EX247-0002", reply("EX247-0002", statuses=MOVING))
    assert alices.poll() == 2
    assert words(alices, new) == ["ACCEPTED", "PICKED_UP"]
    assert DailyUse.objects.get(account=account).reserved == 602


def test_when_the_quota_is_short_parcels_out_for_delivery_come_first(
    alices: Customer, settings: Settings
) -> None:
    settings.POLL_IN_FLIGHT_PER_ACCOUNT = 1
    account = alices.account(daily_quota=1000)
    words_of = {"EX247-1000": "IN_TRANSIT", "EX247-1001": "DELIVERING", "EX247-1002": "IN_TRANSIT"}
    recent = (timezone.now() - HOUR).astimezone(HOME).replace(tzinfo=None)
    for number, word in words_of.items():
        alices.follow(number, reply(number, statuses=[status(word, recent.isoformat(timespec="seconds"))]))
    alices.poll()
    assert Watch.objects.get(tracker__tracking_number="EX247-1001").urgency == Urgency.DUE
    alices.desk.asked.clear()
    DailyUse.objects.filter(account=account).update(reserved=_nearly_spread(1000))
    alices.poll_again()
    assert alices.desk.asked[0][0] == "EX247-1001"
    assert alices.times_asked() < 3


def _nearly_spread(quota: int) -> int:
    """Calls after which the day's even spread has one left, or two, and it is nobody else's turn."""
    day = today("247express", timezone.now())
    assert day is not None
    nearly = int(quota * day.share_gone(timezone.now())) + quota // 100 - 1
    return nearly - (TURNS[nearly % len(TURNS)] > Urgency.DUE)


def test_calls_that_were_never_started_are_returned_to_their_own_day(
    alices: Customer, account: CarrierAccount, settings: Settings
) -> None:
    """One key is refused while others wait for a thread: those were counted, and are not any more."""
    settings.POLL_IN_FLIGHT_PER_ACCOUNT = 10
    alices.desk.otherwise = error("APIKEY_NOT_FOUND")
    for nth in range(10):
        alices.follow(f"EX247-10{nth:02}")
    day = today("247express", timezone.now())
    assert day is not None
    for other in (day.date - DAY, day.date + DAY):
        DailyUse.objects.create(account=account, courier="247express", day=other, reserved=10)
    alices.poll()
    counted = list(
        DailyUse.objects.filter(account=account).order_by("day").values_list("reserved", flat=True)
    )
    assert counted == [10, alices.times_asked(), 10]
    assert alices.times_asked() < 10


@pytest.mark.parametrize(("seconds", "starts"), [(-6, True), (-4, False), (4, False), (6, True)])
@pytest.mark.usefixtures("account")
def test_nothing_starts_within_five_seconds_of_midnight(
    alices: Customer, monkeypatch: pytest.MonkeyPatch, seconds: int, starts: bool
) -> None:
    midnight = timezone.now() - timedelta(seconds=seconds)
    begins, ends = (midnight, midnight + DAY) if seconds > 0 else (midnight - DAY, midnight)
    there = Day("247express", timezone.now().date(), begins, ends)
    monkeypatch.setattr(days, "around", lambda _now: [there])
    alices.follow(NUMBER, reply(statuses=MOVING))
    assert alices.poll() == starts
    assert alices.times_asked() == starts


# `statuses[]` newest or oldest first


@pytest.mark.usefixtures("account")
def test_statuses_newest_first_and_oldest_first_tell_the_same(alices: Customer) -> None:
    moments = ["2024-05-01T08:00:00", "2024-05-01T09:00:00", "2024-05-01T09:00:00", "2024-05-02T11:40:00"]
    life = ["ACCEPTED", "PICKED_UP", "IN_TRANSIT", "DELIVERED"]
    listed = [status(word, time) for word, time in zip(life, moments, strict=True)]
    oldest = alices.follow("EX247-1000", reply("EX247-1000", statuses=listed))
    newest = alices.follow("EX247-1001", reply("EX247-1001", statuses=listed[::-1]))
    alices.poll()
    assert words(alices, oldest) == words(alices, newest) == life
    assert alices.tracking(newest)["shipment"]["statusMilestone"] == "delivered"


# the order's own `status` says what neither list holds yet


@pytest.mark.usefixtures("account")
def test_a_status_that_neither_list_holds_yet_is_a_scan_without_a_time_amended_when_the_list_brings_it(
    alices: Customer,
) -> None:
    tracker = alices.follow(NUMBER, reply(status="DELIVERING", statuses=MOVING))
    alices.poll()
    newest = alices.tracking(tracker)["events"][0]
    assert (newest["carrierEventCode"], newest["datetime"]) == ("DELIVERING", None)
    assert alices.tracking(tracker)["shipment"]["statusMilestone"] == "out_for_delivery"
    listed = [*MOVING, status("DELIVERING", "2024-05-02T07:30:00")]
    alices.desk.replies[NUMBER] = reply(status="DELIVERING", statuses=listed)
    alices.poll_again()
    timed = alices.tracking(tracker)["events"][0]
    assert (timed["eventId"], timed["datetime"]) == (newest["eventId"], "2024-05-02T00:30:00.000Z")
    assert words(alices, tracker) == ["ACCEPTED", "PICKED_UP", "DELIVERING"]


# `estimateRoutes`, `acceptDate`, `deliveryDate`


@pytest.mark.usefixtures("account")
def test_estimate_routes_are_the_estimated_delivery_and_the_two_dates_only_fill_in_missing_scans(
    alices: Customer,
) -> None:
    tracker = alices.follow(
        NUMBER,
        reply(
            status="DELIVERED",
            statuses=MOVING[:1],
            acceptDate="2024-05-01T09:30:00",
            deliveryDate="2024-05-02T11:40:00",
            estimateRoutes="2024-05-02T18:00:00",
            deliveryNotes="left with the guard",
        ),
    )
    alices.poll()
    shown = alices.tracking(tracker)
    assert words(alices, tracker) == ["ACCEPTED", "PICKED_UP", "DELIVERED"]
    assert shown["shipment"]["delivery"]["courierEstimatedDeliveryDate"]["to"] == "2024-05-02T18:00:00"
    alices.desk.replies[NUMBER] = reply(
        status="DELIVERED",
        statuses=[*MOVING, status("DELIVERED", "2024-05-02T11:41:00")],
        acceptDate="2024-05-01T09:30:00",
        deliveryDate="2024-05-02T11:40:00",
    )
    alices.poll_again()
    assert words(alices, tracker) == ["ACCEPTED", "PICKED_UP", "DELIVERED"]
    assert (
        Event.objects.filter(stream=tracker.id, type="tracking.shipment")
        .first()
        .data["details"]["deliveryNotes"]
        == "left with the guard"
    )


# all accounts together


def test_all_accounts_together_never_exceed_the_services_number(
    alices: Customer, bob: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service_quota_of("247express") == 3_000_000
    monkeypatch.setattr(Express247, "service_quota", 4)
    bobs = Customer(bob, alices.client, "247express", alices.desk)
    for customer, name in ((alices, "10"), (bobs, "20")):
        customer.account()
        for nth in range(4):
            customer.follow(f"EX247-{name}{nth:02}", reply(f"EX247-{name}{nth:02}", statuses=MOVING))
    at_once(*[poll_due] * 3)
    alices.poll()
    assert alices.times_asked() == 4
    assert DailyUse.objects.get(account=None, courier="247express").reserved == 4


# money and sizes


@pytest.mark.usefixtures("account")
def test_money_and_sizes_are_decimal_to_the_digit_and_details_of_the_shipment(alices: Customer) -> None:
    whole = json.dumps(order(statuses=MOVING)).encode()
    exact = b'{"price": 0.1, "totalServiceCost": 12345678901234567.89, "weight": "1.50", "length": 30, '
    tracker = alices.follow(NUMBER, Reply(exact + whole[1:]))
    alices.poll()
    details = Event.objects.get(stream=tracker.id, type="tracking.shipment").data["details"]
    assert {name: details[name] for name in ("price", "totalServiceCost", "weight", "length")} == {
        "price": "0.1",
        "totalServiceCost": "12345678901234567.89",
        "weight": "1.50",
        "length": "30",
    }
    assert not any("price" in scan["raw"] for scan in Tracker.objects.get().state["scans"])


# `receiverName`, `confirmImage`


@pytest.mark.usefixtures("account")
def test_receiver_name_and_confirm_image_are_kept_apart_and_can_be_erased(alices: Customer) -> None:
    delivered = [*MOVING, status("DELIVERED", "2024-05-02T11:40:00")]
    told = reply(statuses=delivered, receiverName="Tran Receiver", confirmImage="https://img.example/1.jpg")
    tracker = alices.follow(NUMBER, told)
    alices.poll()
    assert alices.tracking(tracker)["shipment"]["delivery"]["signedBy"] == "Tran Receiver"
    kept = PersonalData.objects.get(tracker=tracker)
    assert (kept.signed_by, kept.confirm_image) == ("Tran Receiver", "https://img.example/1.jpg")
    logged = json.dumps(list(Event.objects.values_list("data", flat=True)))
    assert "Tran Receiver" not in logged
    assert "img.example" not in logged
    assert alices.client.post(f"/v1/trackers/{tracker.id}/erase").status_code == 200
    assert alices.tracking(tracker)["shipment"]["delivery"]["signedBy"] is None
    assert not PersonalData.objects.exists()
