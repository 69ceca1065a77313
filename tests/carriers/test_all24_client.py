"""all24 as a client meets it, by situation: a real server, the real poller, what REST shows."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount, Health, UnmappedCode
from carriers.outcome import Outcome
from tests.carrier_server import DATA
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
from tests.carriers.payloads import Payload
from trackers.detection import settle_accounts
from trackers.models import RawAnswer, Tracker, Watch
from trackers.schedule import BACKOFF

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "HSBY37H7"
SAMPLE: dict[str, Any] = json.loads((DATA / "all24" / "delivered.json").read_text())
ORDER: dict[str, Any] = SAMPLE[NUMBER]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def event(code: str, time: str = "2015-08-18 12:02:00", name: str = "") -> dict[str, Any]:
    return {"event_time": time, "event_name": name or f"Event {code}", "event_code": code}


def order(number: str = NUMBER, *events: dict[str, Any], **fields: Any) -> Reply:
    """An order with these events, given oldest first."""
    told = {**ORDER, "hs_order_ref": number, "history": list(events)[::-1], **fields}
    return Reply({number: told, "response_code": 200, "error_codes": []})


GOOD = order(NUMBER, event("050000"), event("100000"))


@pytest.fixture
def alices(alice: Merchant, as_alice: APIClient, settings: Settings) -> Iterator[Customer]:
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with open_desk() as desk:
        yield Customer(alice, as_alice, "all24", desk)


@pytest.fixture
def account(alices: Customer) -> CarrierAccount:
    return alices.account()


def codes(customer: Customer, tracker: Tracker) -> list[str]:
    """Oldest first."""
    return [scan["carrierEventCode"] for scan in customer.tracking(tracker)["events"]][::-1]


# `event_time` has no offset


@pytest.mark.usefixtures("account")
def test_an_event_time_without_an_offset_has_that_of_its_order(alices: Customer) -> None:
    tracker = alices.follow(NUMBER, Reply(SAMPLE))
    alices.poll()
    newest = alices.tracking(tracker)["events"][0]
    assert (newest["occurrenceDatetime"], newest["datetime"], newest["timeCertainty"]) == (
        "2015-08-18T12:02:00+07:00",
        "2015-08-18T05:02:00.000Z",
        "offset_assumed",
    )
    assert Tracker.objects.get().state["scans"][-1]["timeText"] == "2015-08-18 12:02:00"


@pytest.mark.parametrize(
    ("zone", "instant"),
    [("", "2015-08-18T05:02:00.000Z"), ("Asia/Tokyo", "2015-08-18T03:02:00.000Z")],
)
def test_without_an_offset_of_the_order_it_is_in_the_accounts_zone_else_in_bangkok(
    alices: Customer, zone: str, instant: str
) -> None:
    alices.account(time_zone=zone)
    tracker = alices.follow(NUMBER, order(NUMBER, event("500000"), origin_order_date=None))
    alices.poll()
    (scan,) = alices.tracking(tracker)["events"]
    assert (scan["datetime"], scan["timeCertainty"]) == (instant, "zone_assumed")
    assert scan["occurrenceDatetime"] == "2015-08-18T12:02:00"


# two events with one `event_time`


@pytest.mark.usefixtures("account")
def test_of_two_events_with_one_event_time_the_carriers_order_decides(alices: Customer) -> None:
    tracker = alices.follow(NUMBER, Reply(SAMPLE))
    alices.poll()
    assert codes(alices, tracker)[-2:] == ["300000", "500000"]
    assert alices.tracking(tracker)["shipment"]["statusMilestone"] == "delivered"


# the order asked for is not a key of the answer


@pytest.mark.usefixtures("account")
def test_the_order_asked_for_is_not_a_key_of_the_answer_and_anothers_history_is_never_attached(
    alices: Customer,
) -> None:
    tracker = alices.follow("HSCZJUQ5", Reply(SAMPLE))
    alices.poll()
    assert alices.shown(tracker)["lastPollOutcome"] == "not_found"
    shown = alices.tracking(tracker)
    assert (shown["events"], shown["shipment"]["statusMilestone"]) == ([], "pending")


# several orders in one answer (`customer_ref`)


@pytest.mark.usefixtures("account")
def test_of_several_orders_in_one_answer_each_tracker_has_its_own_and_the_others_are_counted(
    alices: Customer,
) -> None:
    answers = [order("HSAAAA01", event("100000")), order("HSAAAA02", event("500000"))]
    unknown = order("HSNOBODY", event("777777"))
    whole = Reply(answers[0].body | answers[1].body | unknown.body)
    one, two = alices.follow("HSAAAA01", whole), alices.follow("HSAAAA02", whole)
    alices.poll()
    assert (codes(alices, one), codes(alices, two)) == (["100000"], ["500000"])
    assert [watch_of(tracker).ignored for tracker in (one, two)] == [2, 2]
    assert not UnmappedCode.objects.exists()


# unknown `event_code`


@pytest.mark.usefixtures("account")
def test_an_unknown_event_code_is_recorded_raw_and_counted_and_the_milestone_stays(
    alices: Customer, admin_client: Any
) -> None:
    later = event("777777", "2015-08-18 12:03:00", "Sent to the moon")
    tracker = alices.follow(NUMBER, order(NUMBER, event("100000"), later))
    alices.poll()
    newest = alices.tracking(tracker)["events"][0]
    assert (newest["carrierEventCode"], newest["status"], newest["statusCode"]) == (
        "777777",
        "Sent to the moon",
        None,
    )
    assert newest["statusMilestone"] == "in_transit"
    unknown = UnmappedCode.objects.get()
    assert (unknown.courier, unknown.code, unknown.count) == ("all24", "777777", 1)
    assert "777777" in admin_client.get("/admin/carriers/unmappedcode/").content.decode()


# 200 with `response_code` other than 200 or a non-empty `error_codes`


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("envelope", "outcome"),
    [
        ({"response_code": 404, "error_codes": ["order_not_found"]}, "not_found"),
        ({"response_code": 200, "error_codes": ["429"]}, "throttled"),
        ({"response_code": 503, "error_codes": []}, "unreachable"),
        ({"response_code": 200, "error_codes": ["something_else"]}, "refused"),
    ],
)
def test_an_error_inside_a_200_is_an_error_of_that_code_and_no_empty_history(
    alices: Customer, envelope: dict[str, Any], outcome: str
) -> None:
    tracker = alices.follow(NUMBER, GOOD)
    alices.poll()
    alices.desk.replies[NUMBER] = Reply(SAMPLE | envelope)
    alices.poll_again()
    assert alices.shown(tracker)["lastPollOutcome"] == outcome
    assert codes(alices, tracker) == ["050000", "100000"]


# 400, 402


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("status", [400, 402])
def test_a_400_or_402_is_recorded_on_the_tracker_shown_to_operations_and_tried_again_slowly(
    alices: Customer, admin_client: Any, status: int
) -> None:
    tracker = alices.follow(NUMBER, Reply({"response_code": status, "error_codes": ["bad_ref"]}, status))
    other = alices.follow("HSGOOD01", order("HSGOOD01", event("100000")))
    alices.poll()
    shown = alices.shown(tracker)
    assert (shown["lastPollOutcome"], shown["isTracked"]) == ("refused", True)
    assert shown["lastPollError"] == f"all24 answered {status}: bad_ref"
    assert waits(tracker) >= timedelta(days=1)
    assert codes(alices, other) == ["100000"]
    assert (
        f"{status}: bad_ref"
        in admin_client.get(f"/admin/trackers/tracker/{tracker.id}/change/").content.decode()
    )


# 401


def test_a_401_suspends_the_account_alerts_operations_and_nothing_more_is_sent_with_that_key(
    alices: Customer, account: CarrierAccount, caplog: pytest.LogCaptureFixture
) -> None:
    alices.desk.otherwise = Reply({"response_code": 401, "error_codes": []}, 401)
    tracker = alices.follow(NUMBER)
    with caplog.at_level(logging.WARNING):
        alices.poll()
    account.refresh_from_db()
    assert (account.state, account.suspended_reason) == ("suspended", "all24 answered 401")
    assert str(account.id) in caplog.text
    assert alices.shown(tracker)["lastPollOutcome"] in {"account_suspended", "no_carrier_account"}
    alices.follow("HSAAAA02")
    alices.poll_again()
    assert alices.times_asked() == 1


def test_after_a_401_a_changed_key_is_asked_with(alices: Customer, account: CarrierAccount) -> None:
    alices.desk.otherwise = Reply(status=401)
    tracker = alices.follow(NUMBER)
    alices.poll()
    alices.desk.otherwise, alices.desk.replies[NUMBER] = Reply(status=404), GOOD
    changed = {"key": "another-key"}
    answer = alices.client.put(f"/v1/carrier-accounts/{account.id}/key", changed, format="json")
    assert answer.status_code == 200, answer.content
    _assign_and_poll(alices)
    assert alices.desk.asked[-1] == (NUMBER, "another-key")
    assert codes(alices, tracker) == ["050000", "100000"]


def _assign_and_poll(customer: Customer) -> None:
    settle_accounts()
    customer.poll_again()


# 404


@pytest.mark.usefixtures("account")
def test_a_404_is_not_known_yet_it_stays_pending_and_is_asked_more_slowly(alices: Customer) -> None:
    unknown = alices.follow(NUMBER, Reply({"response_code": 404, "error_codes": []}, 404))
    alices.poll()
    shown = alices.shown(unknown)
    assert (shown["lastPollOutcome"], shown["lastPollError"]) == ("not_found", None)
    assert alices.tracking(unknown)["shipment"]["statusMilestone"] == "pending"
    assert waits(unknown) >= HOUR
    assert watch_of(unknown).failures == 0
    first = waits(unknown)
    Tracker.objects.filter(id=unknown.id).update(created_at=Now() - timedelta(days=10))
    Watch.objects.filter(tracker=unknown).update(assigned_at=Now() - timedelta(days=10))
    alices.poll_again()
    assert waits(unknown) > first


# 409, 429


@pytest.mark.parametrize("status", [409, 429])
def test_a_409_or_429_is_tried_again_with_exponential_backoff_and_the_accounts_pace_drops(
    alices: Customer, account: CarrierAccount, status: int
) -> None:
    tracker = alices.follow(NUMBER, Reply(status=status))
    alices.poll()
    first, last = BACKOFF[Outcome.THROTTLED]
    assert alices.shown(tracker)["lastPollOutcome"] == "throttled"
    assert is_put_off(tracker, first)
    pace = health(account).pace
    assert pace is not None
    for nth in (1, 2):
        Health.objects.update(paced_until=None)
        alices.poll_again()
        assert is_put_off(tracker, first * 2**nth)
    assert health(account).pace < pace
    assert last >= waits(tracker)


def test_a_retry_after_is_heeded_by_the_watch_and_by_the_account(
    alices: Customer, account: CarrierAccount
) -> None:
    tracker = alices.follow(NUMBER, Reply(status=429, headers={"retry-after": "1800"}))
    alices.poll()
    assert is_put_off(tracker, 30 * MINUTE)
    alices.follow("HSAAAA02", order("HSAAAA02", event("100000")))
    alices.poll()
    assert alices.times_asked("HSAAAA02") == 0
    until = health(account).paced_until
    assert until is not None
    assert until - watch_of(tracker).last_polled_at >= 30 * MINUTE


# 5xx, timeout, connection error

FAILURES = {
    "500": Reply(status=500),
    "503": Reply(status=503),
    "a connection that breaks off": HANG_UP,
    "no answer in time": SILENCE,
}


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("failure", FAILURES)
def test_a_5xx_a_timeout_and_a_broken_connection_are_tried_again_with_backoff(
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


@pytest.mark.usefixtures("account")
def test_what_failed_at_one_moment_is_not_tried_again_at_one(alices: Customer) -> None:
    one, two = (alices.follow(number, Reply(status=503)) for number in ("HSAAAA01", "HSAAAA02"))
    alices.poll()
    assert waits(one) != waits(two)


def test_after_repeated_failure_the_circuit_opens_and_half_opens_after_a_pause(
    alices: Customer, account: CarrierAccount
) -> None:
    for nth in range(3):
        alices.follow(f"HSAAAA{nth:02}", Reply(status=500))
    alices.poll()
    assert health(account).circuit == "open"
    later = alices.follow(NUMBER, GOOD)
    alices.poll_again()
    assert alices.times_asked(NUMBER) == 0
    Health.objects.update(open_until=Now() - MINUTE)
    Watch.objects.exclude(tracker=later).update(next_poll_at=Now() + HOUR)
    assert alices.poll() == 1
    assert codes(alices, later) == ["050000", "100000"]
    assert health(account).circuit == "closed"


def test_a_probe_that_fails_keeps_it_open_for_longer_and_is_the_only_call(
    alices: Customer, account: CarrierAccount
) -> None:
    for nth in range(3):
        alices.follow(f"HSAAAA{nth:02}", Reply(status=503))
    alices.poll()
    Health.objects.update(open_until=Now() - MINUTE)
    assert alices.poll_again() == 1
    assert alices.times_asked() == 4
    now = health(account)
    assert (now.circuit, now.openings) == ("open", 2)


def test_one_number_that_fails_again_and_again_opens_no_circuit(
    alices: Customer, account: CarrierAccount
) -> None:
    alices.follow(NUMBER, Reply(status=500))
    for _ in range(4):
        alices.poll_again()
    assert health(account).circuit == "closed"


# not JSON, an array, a missing `history`, a 50 MB body

USELESS = {
    "not JSON": b"<html>Service Unavailable</html>",
    "an array": b"[1, 2, 3]",
    "a missing history": json.dumps({NUMBER: {"hs_order_ref": NUMBER}, "response_code": 200}).encode(),
    "50 MB": b"[" * 50_000_000,
}


@pytest.mark.parametrize("useless", USELESS)
def test_a_useless_body_is_a_clear_bad_response_with_its_first_bytes_kept_and_hurts_no_neighbour(
    alices: Customer, account: CarrierAccount, useless: str
) -> None:
    tracker = alices.follow(NUMBER, Reply(USELESS[useless]))
    others = [alices.follow(f"HSGOOD{nth:02}", order(f"HSGOOD{nth:02}", event("100000"))) for nth in range(3)]
    alices.poll()
    shown = alices.shown(tracker)
    assert (shown["lastPollOutcome"], bool(shown["lastPollError"])) == ("bad_response", True)
    (kept,) = alices.client.get(f"/v1/trackers/{tracker.id}/raw").json()["data"]["answers"]
    first = kept["text"] or json.dumps(kept["answer"])
    assert 0 < len(first) <= 500
    assert USELESS[useless].decode()[:9] == first[:9]
    assert [codes(alices, other) for other in others] == [["100000"]] * 3
    assert health(account).circuit == "closed"
    assert RawAnswer.objects.count() == 4


@pytest.mark.usefixtures("account")
def test_of_a_body_without_an_end_no_more_than_the_limit_is_read(
    alices: Customer, settings: Settings
) -> None:
    settings.CARRIER_BODY_LIMIT = 2048
    tracker = alices.follow(NUMBER, Reply(b"x" * 4096))
    alices.poll()
    assert alices.shown(tracker)["lastPollError"] == "The answer is larger than 2048 bytes"


# one scan whose date does not parse


@pytest.mark.usefixtures("account")
def test_one_scan_whose_date_does_not_parse_is_set_aside_and_counted_and_the_others_are_recorded(
    alices: Customer,
) -> None:
    tracker = alices.follow(NUMBER, Reply(Payload("all24", "unreadable_date").body))
    expected = Payload("all24", "unreadable_date").parse()
    alices.poll()
    assert codes(alices, tracker) == [scan.carrier_code for scan in expected.scans]
    assert watch_of(tracker).set_aside == len(expected.set_aside) == 1
    (kept,) = alices.client.get(f"/v1/trackers/{tracker.id}/raw").json()["data"]["answers"]
    assert (
        kept["answer"]["history"] == json.loads(Payload("all24", "unreadable_date").body)[NUMBER]["history"]
    )
