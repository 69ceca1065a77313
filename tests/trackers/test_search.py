"""The search per call: asked at once, answered in a tracker's shapes, nothing stored."""

import json
import threading
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers import accounts
from carriers.choosing import choices
from carriers.consulting import Consultation
from carriers.exceptions import KeyExhausted, KeyRejected
from carriers.models import CarrierAccount
from events.models import Event
from tests.carrier_server import DATA, CarrierServer, carrier_server, order
from tests.carriers.servers import answer as http_answer
from tests.carriers.servers import serving
from tests.factories import CarrierAccountFactory
from trackers import waiting
from trackers.models import PersonalData, RawAnswer, Tracker, Watch

pytestmark = pytest.mark.django_db
NUMBER = "HSBY37H7"
SAMPLE = (200, (DATA / "all24" / "delivered.json").read_bytes())
SAMPLE_NUMBER = "SHIP24_SAMPLE_DELIVERED_001"
KEY_REFUSED = (401, b'{"response_code": 401, "error_codes": ["unauthorized"]}')


@pytest.fixture
def other_carrier() -> Iterator[CarrierServer]:
    with carrier_server() as server:
        yield server


def search(client: APIClient, number: str = NUMBER, **body: Any) -> Response:
    answer: Response = client.post("/v1/tracking/search", {"trackingNumber": number, **body}, format="json")
    return answer


def error(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


@pytest.mark.usefixtures("account")
def test_a_search_shows_what_a_tracker_would_and_stores_nothing(
    as_alice: APIClient, carrier: CarrierServer
) -> None:
    carrier.replies[NUMBER] = SAMPLE
    answer = search(as_alice)
    assert answer.status_code == 201
    (tracking,) = answer.json()["data"]["trackings"]
    assert set(tracking) == {"shipment", "events", "statistics"}
    assert tracking["shipment"]["statusMilestone"] == "delivered"
    assert len(tracking["events"]) == 5
    assert tracking["events"][0]["statusCode"] == "delivery_delivered"
    assert tracking["statistics"]["timestamps"]["deliveredDatetime"]
    stored = [Tracker, Watch, Event, PersonalData, RawAnswer]
    assert [kind.objects.count() for kind in stored] == [0] * 5  # type: ignore[attr-defined]


@pytest.mark.usefixtures("account")
def test_a_search_and_a_tracker_tell_the_same_of_one_answer(
    alice: Merchant,
    as_alice: APIClient,
    carrier: CarrierServer,
    follow: Callable[..., Tracker],
    poll_all: Callable[[], int],
) -> None:
    carrier.replies[NUMBER] = SAMPLE
    (searched,) = search(as_alice).json()["data"]["trackings"]
    tracker = follow(alice, NUMBER)
    poll_all()
    (followed,) = as_alice.get(f"/v1/trackers/{tracker.id}/results").json()["data"]["trackings"]
    del followed["tracker"]
    for one in [*searched["events"], *followed["events"]]:
        del one["eventId"]
    del searched["shipment"]["shipmentId"], followed["shipment"]["shipmentId"]
    assert searched == followed


@pytest.mark.usefixtures("account")
def test_ids_are_the_same_at_every_search_of_one_merchant(
    as_alice: APIClient, as_bob: APIClient, bob: Merchant, carrier: CarrierServer
) -> None:
    CarrierAccountFactory(merchant=bob, courier="all24", base_url=carrier.url)
    carrier.replies[NUMBER] = SAMPLE
    first, again = search(as_alice).json(), search(as_alice).json()
    assert first == again
    assert first["data"]["trackings"][0]["shipment"]["shipmentId"] is not None
    assert search(as_bob).json() != first


def test_a_sandbox_number_needs_no_account(as_alice: APIClient) -> None:
    (tracking,) = search(as_alice, SAMPLE_NUMBER).json()["data"]["trackings"]
    assert tracking["shipment"]["statusMilestone"] == "delivered"


@pytest.mark.usefixtures("account")
def test_a_parcel_that_the_carrier_knows_without_a_scan_is_found_and_pending(
    as_alice: APIClient, carrier: CarrierServer
) -> None:
    carrier.replies[NUMBER] = order(NUMBER)
    (tracking,) = search(as_alice).json()["data"]["trackings"]
    assert (tracking["shipment"]["statusMilestone"], tracking["events"]) == ("pending", [])


@pytest.mark.usefixtures("account")
def test_what_was_given_of_the_parcel_is_shown_as_a_tracker_shows_it(
    as_alice: APIClient, carrier: CarrierServer
) -> None:
    carrier.replies[NUMBER] = SAMPLE
    (tracking,) = search(as_alice, originCountryCode="THA", destinationCountryCode="vn").json()["data"][
        "trackings"
    ]
    assert tracking["shipment"]["originCountryCode"] == "TH"
    assert tracking["shipment"]["destinationCountryCode"] == "VN"


@pytest.mark.usefixtures("account")
def test_an_own_account_shows_the_recipient(as_alice: APIClient, carrier: CarrierServer) -> None:
    carrier.replies[NUMBER] = SAMPLE
    (tracking,) = search(as_alice).json()["data"]["trackings"]
    assert tracking["shipment"]["recipient"]["address"].startswith("123/322")


def test_a_house_account_shows_nothing_personal(as_alice: APIClient, carrier: CarrierServer) -> None:
    CarrierAccountFactory(merchant=None, courier="all24", base_url=carrier.url)
    carrier.replies[NUMBER] = SAMPLE
    (tracking,) = search(as_alice).json()["data"]["trackings"]
    assert tracking["shipment"]["recipient"] is None
    assert tracking["shipment"]["delivery"]["signedBy"] is None
    assert len(tracking["events"]) == 5


@pytest.mark.usefixtures("account")
def test_a_merchants_own_account_is_asked_before_the_houses(
    as_alice: APIClient, carrier: CarrierServer, other_carrier: CarrierServer
) -> None:
    CarrierAccountFactory(merchant=None, courier="all24", base_url=other_carrier.url)
    carrier.replies[NUMBER] = SAMPLE
    assert search(as_alice).status_code == 201
    assert other_carrier.asked == []


def test_a_refused_key_is_suspended_and_the_house_is_asked(
    as_alice: APIClient, account: CarrierAccount, carrier: CarrierServer, other_carrier: CarrierServer
) -> None:
    CarrierAccountFactory(merchant=None, courier="all24", base_url=other_carrier.url)
    carrier.replies[NUMBER] = KEY_REFUSED
    other_carrier.replies[NUMBER] = SAMPLE
    assert search(as_alice).status_code == 201
    account.refresh_from_db()
    assert account.state == "suspended"
    assert search(as_alice).status_code == 201
    assert len(carrier.asked) == 1


def test_with_no_key_that_is_accepted_there_is_no_subscription(
    as_alice: APIClient, account: CarrierAccount, carrier: CarrierServer
) -> None:
    carrier.replies[NUMBER] = KEY_REFUSED
    assert error(search(as_alice)) == (422, "no_active_subscription")
    assert error(search(as_alice)) == (422, "no_active_subscription")
    assert len(carrier.asked) == 1


def test_a_key_that_was_changed_while_it_was_asked_with_is_not_suspended(
    alice: Merchant, account: CarrierAccount, carrier: CarrierServer
) -> None:
    carrier.replies[NUMBER] = KEY_REFUSED
    asked = choices(alice.id, ["all24"])
    accounts.replace_key(account, "another key")
    (heard,) = Consultation(NUMBER, {}, monotonic() + 10).hold(asked)
    assert isinstance(heard.error, KeyRejected)
    account.refresh_from_db()
    assert account.state == "active"


@pytest.mark.usefixtures("carrier")
def test_a_key_that_was_changed_while_it_was_asked_with_need_not_rest_for_the_old_one(
    alice: Merchant,
) -> None:
    with serving(http_answer((DATA / "247express" / "key_limit.json").read_bytes())) as express:
        account = CarrierAccountFactory(merchant=alice, courier="247express", base_url=express.url)
        asked = choices(alice.id, ["247express"])
        accounts.replace_key(account, "another key")
        (heard,) = Consultation(NUMBER, {}, monotonic() + 10).hold(asked)
    assert isinstance(heard.error, KeyExhausted)
    account.refresh_from_db()
    assert account.resting_until is None


@pytest.mark.usefixtures("carrier")
def test_an_account_whose_look_ups_are_used_up_rests_and_is_not_asked_again(
    alice: Merchant, as_alice: APIClient
) -> None:
    used_up = (DATA / "247express" / "key_limit.json").read_bytes()
    with serving(http_answer(used_up)) as express:
        account = CarrierAccountFactory(merchant=alice, courier="247express", base_url=express.url)
        assert error(search(as_alice, courierCode="247express")) == (503, "processing_error")
        again = search(as_alice, courierCode="247express")
        assert error(again) == (503, "processing_error")
        assert int(again.headers["Retry-After"]) > 0
        assert len(express.requests) == 1
    account.refresh_from_db()
    assert account.resting_until is not None


def test_anothers_account_is_not_asked(bob: Merchant, as_alice: APIClient, carrier: CarrierServer) -> None:
    CarrierAccountFactory(merchant=bob, courier="all24", base_url=carrier.url)
    assert error(search(as_alice)) == (422, "no_active_subscription")
    assert error(search(as_alice, courierCode="all24")) == (422, "no_active_subscription")
    assert carrier.asked == []


def test_a_courier_that_cannot_be_asked_without_a_tracker_is_left_out(
    alice: Merchant, as_alice: APIClient, carrier: CarrierServer
) -> None:
    CarrierAccountFactory(merchant=alice, courier="ship24", base_url=carrier.url)
    assert error(search(as_alice)) == (422, "no_active_subscription")
    assert error(search(as_alice, courierCode=["ship24", "all24"])) == (422, "no_active_subscription")
    assert carrier.asked == []


@pytest.mark.usefixtures("account")
def test_a_number_that_nobody_knows_is_404(as_alice: APIClient) -> None:
    assert error(search(as_alice)) == (404, "parcel_not_found")


def test_several_couriers_are_asked_and_tell_one_story(
    alice: Merchant, as_alice: APIClient, carrier: CarrierServer, account: CarrierAccount
) -> None:
    told = json.loads((DATA / "247express" / "delivered.json").read_text())
    body = json.dumps(told | {"orderCode": NUMBER}).encode()
    carrier.replies[NUMBER] = SAMPLE
    with serving(http_answer(body)) as express:
        CarrierAccountFactory(merchant=alice, courier="247express", base_url=express.url)
        (tracking,) = search(as_alice).json()["data"]["trackings"]
    assert {one["courierCode"] for one in tracking["events"]} == {"all24", "247express"}
    orders = [one["order"] for one in tracking["events"]]
    assert orders == sorted(orders, reverse=True)
    assert len({one["eventId"] for one in tracking["events"]}) == len(orders)


def test_one_couriers_failure_does_not_hide_what_another_knows(
    alice: Merchant, as_alice: APIClient, carrier: CarrierServer, account: CarrierAccount
) -> None:
    carrier.replies[NUMBER] = SAMPLE
    CarrierAccountFactory(merchant=alice, courier="247express", base_url="http://127.0.0.1:1")
    assert search(as_alice).status_code == 201
    carrier.replies[NUMBER] = (404, b"{}")
    answer = search(as_alice)
    assert error(answer) == (503, "processing_error")
    assert "247express" in answer.json()["errors"][0]["message"]
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.usefixtures("account")
def test_a_carriers_own_wait_is_passed_on(as_alice: APIClient, carrier: CarrierServer) -> None:
    limit = "429 Slow down"
    with serving(http_answer(b"{}", limit, "Retry-After: 77")) as busy:
        CarrierAccount.objects.update(base_url=busy.url)
        answer = search(as_alice)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "77")


@pytest.mark.usefixtures("account")
def test_a_slow_carrier_is_waited_for_no_longer_than_the_setting_says(
    as_alice: APIClient, carrier: CarrierServer, settings: Settings
) -> None:
    settings.TRACK_WAIT = 0.2
    carrier.gate.clear()
    answer = search(as_alice)
    assert error(answer) == (503, "processing_error")
    assert "in time" in answer.json()["errors"][0]["message"]


@pytest.mark.usefixtures("account")
def test_what_the_quick_carrier_knows_is_answered_when_the_time_is_up(
    alice: Merchant, as_alice: APIClient, carrier: CarrierServer, settings: Settings
) -> None:
    carrier.replies[NUMBER] = SAMPLE
    hold = threading.Event()

    def say_nothing(_: object) -> None:
        hold.wait(180)

    with serving(say_nothing) as slow:
        CarrierAccountFactory(merchant=alice, courier="247express", base_url=slow.url)
        for settings.TRACK_WAIT in (0.5, 5, 50):  # a busy machine makes slow carriers of all
            answer = search(as_alice)
            if answer.status_code == 201:
                break
        hold.set()
    assert answer.status_code == 201
    assert len(answer.json()["data"]["trackings"][0]["events"]) == 5


@pytest.mark.usefixtures("account")
def test_beyond_a_quarter_of_the_threads_a_search_is_turned_away_at_once(
    as_alice: APIClient, carrier: CarrierServer, settings: Settings
) -> None:
    settings.WEB_THREADS = 3  # a quarter of them is still one
    carrier.replies[NUMBER] = SAMPLE
    with waiting.room.place() as given:
        assert given
        answer = search(as_alice)
        assert error(answer) == (429, "too_many_requests")
        assert answer.headers["Retry-After"] == "1"
    assert carrier.asked == []
    assert search(as_alice).status_code == 201


def test_a_quarter_of_the_threads_may_wait_and_a_place_is_free_again_after_a_fault(
    settings: Settings,
) -> None:
    settings.WEB_THREADS = 8
    room = waiting.Room()
    with room.place() as first, room.place() as second, room.place() as third:
        assert (first, second, third) == (True, True, False)
    with pytest.raises(ZeroDivisionError), room.place():
        raise ZeroDivisionError
    with room.place() as first, room.place() as second:
        assert (first, second) == (True, True)


HOSTILE = {
    "no JSON": b"<html>",
    "deep": b"[" * 100_000,
    "NaN": b'{"HSBY37H7": {"history": [{"event_time": NaN}]}, "response_code": 200}',
    "a huge number": b'{"HSBY37H7": {"history": [{"event_code": 1' + b"0" * 5000 + b"}]}}",
    "nothing": b"",
    "no UTF-8": b"\xff\xfe",
}


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_an_answer_that_is_none_is_the_carriers_fault_not_ours(
    as_alice: APIClient, carrier: CarrierServer, body: bytes
) -> None:
    carrier.replies[NUMBER] = (200, body)
    assert error(search(as_alice)) == (503, "processing_error")


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("time", ["0001-01-01 00:00:00", "9999-12-31 23:59:59", None, "", "soon", [], {}, -1])
@pytest.mark.parametrize("text", ["\x00\ud800", "x" * 100_000, None, ["x"]])
def test_strange_times_and_texts_are_shown_or_left_out(
    as_alice: APIClient, carrier: CarrierServer, time: Any, text: Any
) -> None:
    told = json.loads(order(NUMBER, "050000")[1])
    told[NUMBER]["history"] += [{"event_time": time, "event_name": text, "event_code": text}] * 3
    carrier.replies[NUMBER] = (200, json.dumps(told).encode())
    answer = search(as_alice)
    assert answer.status_code == 201
    assert len(answer.json()["data"]["trackings"][0]["events"]) in {1, 4}


@pytest.mark.parametrize(
    ("body", "code", "named"),
    [
        ({}, "missing_mandatory_field", "trackingNumber"),
        ({"trackingNumber": "abc"}, "validation_error", "trackingNumber"),
        ({"trackingNumber": 12345678}, "validation_error", "trackingNumber"),
        ({"trackingNumber": NUMBER, "courierCode": "pigeon"}, "validation_error", "courierCode"),
        ({"trackingNumber": NUMBER, "courierCode": ["all24"] * 4}, "validation_error", "courierCode"),
        ({"trackingNumber": NUMBER, "originCountryCode": "XX"}, "validation_error", "originCountryCode"),
        ({"trackingNumber": NUMBER, "shippingDate": "soon"}, "validation_error", "shippingDate"),
        ({"trackingNumber": NUMBER, "shippingDate": "2001-01-01"}, "shipping_date_outdated", "shippingDate"),
        ({"trackingNumber": NUMBER, "courierCode": "sandbox"}, "validation_error", "trackingNumber"),
    ],
)
def test_a_bad_search_is_refused_by_field(
    as_alice: APIClient, body: dict[str, Any], code: str, named: str
) -> None:
    answer = as_alice.post("/v1/tracking/search", body, format="json")
    assert error(answer) == (400, code)
    assert answer.json()["errors"][0]["message"].startswith(named)


@pytest.mark.parametrize("body", [[], "x", 1, None])
def test_a_body_that_is_no_object_is_refused(as_alice: APIClient, body: object) -> None:
    answer = as_alice.post("/v1/tracking/search", json.dumps(body), content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.usefixtures("account")
def test_fields_that_a_search_does_not_know_are_ignored(as_alice: APIClient, carrier: CarrierServer) -> None:
    carrier.replies[NUMBER] = SAMPLE
    assert search(as_alice, clientTrackerId=["not looked at"], title=7).status_code == 201
