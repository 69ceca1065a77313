"""`POST /v1/trackers` and reading what it made."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from accounts.models import ApiKey, Merchant
from events.models import Event
from tests.factories import CarrierAccountFactory
from trackers.models import PersonalData, Tracker, Watch

SHIP24_TRACKER = {
    "trackerId",
    "trackingNumber",
    "shipmentReference",
    "courierCode",
    "clientTrackerId",
    "isSubscribed",
    "isTracked",
    "createdAt",
}
POLLING = {
    "lastPolledAt", "nextPollAt", "lastPollOutcome", "lastPollError", "stalledAt", "stopReason", "erasedAt",
    "trackingPageUrl",
}  # fmt: skip


def post(client: APIClient, path: str = "/v1/trackers", **body: Any) -> Any:
    return client.post(path, body, format="json")


def test_a_tracker_is_created_in_ship24s_shape_with_polling_made_visible(as_alice: APIClient) -> None:
    answer = post(as_alice, trackingNumber="SHIP24_SAMPLE_DELIVERED_000", shipmentReference="ref-1")
    tracker = answer.json()["data"]["tracker"]
    assert answer.status_code == 201
    assert set(tracker) == SHIP24_TRACKER | POLLING
    assert tracker["shipmentReference"] == "ref-1"
    assert (tracker["isSubscribed"], tracker["isTracked"]) == (True, True)
    assert answer["x-request-id"]


@pytest.mark.parametrize("prefix", ["/v1", "/public/v1"])
def test_both_prefixes_serve_the_same(as_alice: APIClient, prefix: str) -> None:
    made = post(as_alice, f"{prefix}/trackers", trackingNumber="12345").json()["data"]["tracker"]
    read = as_alice.get(f"{prefix}/trackers/{made['trackerId']}").json()
    assert read["data"]["tracker"] == made
    assert read["trackerId"] == made["trackerId"]
    assert as_alice.get(f"{prefix}/trackers").json()["data"]["trackers"] == [made]


def test_the_created_event_is_in_the_log_and_holds_nothing_personal(
    as_alice: APIClient, alice: Merchant
) -> None:
    post(as_alice, trackingNumber="12345", title="Shoes", recipient={"email": "r@example.org", "name": "R N"})
    event = Event.objects.get(merchant=alice)
    assert (event.type, event.version) == ("tracker.created", 1)
    assert event.data["title"] == "Shoes"
    assert "r@example.org" not in str(event.data)
    assert PersonalData.objects.get().given_recipient == {"email": "r@example.org", "name": "R N"}


def test_the_same_payload_again_is_the_same_tracker(as_alice: APIClient) -> None:
    body = {
        "trackingNumber": "12345",
        "destinationCountryCode": "VNM",
        "courierCode": ["all24", "247express"],
    }
    first = post(as_alice, **body)
    alike = {
        "trackingNumber": "12345",
        "destinationCountryCode": "vn",
        "courierCode": ["247express", "all24"],
    }
    again = post(as_alice, **alike, title="another title", orderNumber=None, settings={})
    assert again.status_code == 201
    assert again.json()["data"]["tracker"]["trackerId"] == first.json()["data"]["tracker"]["trackerId"]
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    "different",
    [
        {"shipmentReference": "other"},
        {"destinationPostCode": "10110"},
        {"shippingDate": "2099-01-02"},
        {"courierName": "x"},
        {"settings": {"restrictTrackingToCourierCode": True}},
    ],
)
def test_any_other_payload_is_another_tracker(as_alice: APIClient, different: dict[str, Any]) -> None:
    post(as_alice, trackingNumber="12345")
    post(as_alice, trackingNumber="12345", **different)
    assert Tracker.objects.count() == 2


def test_the_shipping_date_counts_by_its_day(as_alice: APIClient) -> None:
    for date in (
        "2099-01-02",
        "2099-01-02T11:09:00",
        "2099-01-02T11:09:00.000Z",
        "2099-01-02T01:00:00+02:00",
    ):
        assert post(as_alice, trackingNumber="12345", shippingDate=date).status_code == 201
    assert Tracker.objects.count() == 1


def test_a_client_tracker_id_with_another_payload_is_a_conflict(as_alice: APIClient) -> None:
    post(as_alice, trackingNumber="12345", clientTrackerId="mine")
    answer = post(as_alice, trackingNumber="54321", clientTrackerId="mine")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "tracker_conflict"
    assert Tracker.objects.count() == 1


def test_two_merchants_may_follow_one_number(as_alice: APIClient, as_bob: APIClient) -> None:
    ids = {
        post(client, trackingNumber="12345", clientTrackerId="mine").json()["data"]["tracker"]["trackerId"]
        for client in (as_alice, as_bob)
    }
    assert len(ids) == 2


def test_another_merchants_tracker_is_not_found_on_any_route(as_alice: APIClient, as_bob: APIClient) -> None:
    tracker_id = post(as_alice, trackingNumber="12345").json()["data"]["tracker"]["trackerId"]
    for path in ("", "/results"):
        answer = as_bob.get(f"/v1/trackers/{tracker_id}{path}")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "tracker_not_found")
    assert as_bob.post(f"/v1/trackers/{tracker_id}/poll").status_code == 404
    assert as_bob.get("/v1/trackers").json()["data"]["trackers"] == []


@pytest.mark.parametrize("tracker_id", ["x", "0", "%00", "00000000-0000-0000-0000-000000000000"])
def test_an_id_that_is_none_is_not_found(as_alice: APIClient, tracker_id: str) -> None:
    assert as_alice.get(f"/v1/trackers/{tracker_id}").status_code == 404


BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"trackingNumber": 12345}, "trackingNumber"),
    ({"trackingNumber": ["12345"]}, "trackingNumber"),
    ({"trackingNumber": "1234"}, "trackingNumber"),
    ({"trackingNumber": "1" * 51}, "trackingNumber"),
    ({"trackingNumber": "12345📦"}, "trackingNumber"),
    ({"trackingNumber": "123 45"}, "trackingNumber"),
    ({"trackingNumber": "12345\n"}, "trackingNumber"),
    ({"trackingNumber": "12345\x00"}, "trackingNumber"),
    ({"trackingNumber": "12345", "shipmentReference": 7}, "shipmentReference"),
    ({"trackingNumber": "12345", "shipmentReference": "a\x00b"}, "shipmentReference"),
    ({"trackingNumber": "12345", "shipmentReference": "a\ud800b"}, "shipmentReference"),
    ({"trackingNumber": "12345", "shipmentReference": "x" * 256}, "shipmentReference"),
    ({"trackingNumber": "12345", "trackingUrl": "x" * 2049}, "trackingUrl"),
    ({"trackingNumber": "12345", "trackingUrl": "javascript:alert(1)"}, "trackingUrl"),
    ({"trackingNumber": "12345", "originCountryCode": "XX"}, "originCountryCode"),
    ({"trackingNumber": "12345", "originCountryCode": "Thailand"}, "originCountryCode"),
    ({"trackingNumber": "12345", "destinationCountryCode": 66}, "destinationCountryCode"),
    ({"trackingNumber": "12345", "destinationPostCode": "x" * 33}, "destinationPostCode"),
    ({"trackingNumber": "12345", "shippingDate": "yesterday"}, "shippingDate"),
    ({"trackingNumber": "12345", "shippingDate": "2026-W01"}, "shippingDate"),
    ({"trackingNumber": "12345", "shippingDate": "2099-01-02\n10:00"}, "shippingDate"),
    ({"trackingNumber": "12345", "shippingDate": "2099-01-02\U0001f60010:00"}, "shippingDate"),
    ({"trackingNumber": "12345", "shippingDate": "2099-01-02T10:00+00:00:00.5"}, "shippingDate"),
    ({"trackingNumber": "12345", "courierCode": "nobody"}, "courierCode"),
    ({"trackingNumber": "12345", "courierCode": {"a": 1}}, "courierCode"),
    ({"trackingNumber": "12345", "courierCode": ["all24"] * 4}, "courierCode"),
    ({"trackingNumber": "12345", "recipient": "R"}, "recipient"),
    ({"trackingNumber": "12345", "recipient": {"name": 1}}, "recipient.name"),
    ({"trackingNumber": "12345", "settings": {"restrictTrackingToCourierCode": "perhaps"}}, "settings"),
    ({"trackingNumber": "HS/12345", "courierCode": "247express"}, "trackingNumber"),
]


@pytest.mark.parametrize(("body", "field"), BAD_FIELDS)
def test_a_bad_field_is_named_and_nothing_is_stored(
    as_alice: APIClient, body: dict[str, Any], field: str
) -> None:
    answer = as_alice.post("/v1/trackers", json.dumps(body), content_type="application/json")
    (error, *_) = answer.json()["errors"]
    assert (answer.status_code, error["code"]) == (400, "validation_error")
    assert error["message"].startswith(field)
    assert answer.json()["data"] is None
    assert not Tracker.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.parametrize("body", [{}, {"trackingNumber": None}])
def test_a_number_that_is_not_there_has_a_code_of_its_own(as_alice: APIClient, body: dict[str, Any]) -> None:
    answer = post(as_alice, **body, title=7)
    assert answer.status_code == 400
    missing, wrong = answer.json()["errors"]
    assert missing["code"] == "missing_mandatory_field"
    assert missing["message"].startswith("trackingNumber")
    assert (wrong["code"], wrong["message"]) == ("validation_error", "title: expected a string")


def test_an_unknown_courier_is_answered_with_the_known_ones(as_alice: APIClient) -> None:
    message = post(as_alice, trackingNumber="12345", courierCode="nobody").json()["errors"][0]["message"]
    assert all(code in message for code in ("'nobody'", "all24", "247express", "sandbox"))


def test_an_old_shipment_is_outdated(as_alice: APIClient) -> None:
    answer = post(as_alice, trackingNumber="12345", shippingDate="2020-01-01")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "shipping_date_outdated")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"trackingNumber": ', "parsing_error"),
        (b"\xff\xfe", "parsing_error"),
        (b'{"trackingNumber": NaN}', "parsing_error"),
        (b"[" * 100_000, "parsing_error"),
        (b"", "missing_mandatory_field"),
        (b'"12345"', "validation_error"),
        (b"[]", "validation_error"),
    ],
)
def test_a_body_that_is_no_object_is_refused(as_alice: APIClient, body: bytes, code: str) -> None:
    answer = as_alice.post("/v1/trackers", body, content_type="application/json")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)


def test_a_body_of_two_megabytes_is_too_large(as_alice: APIClient) -> None:
    answer = post(as_alice, trackingNumber="12345", title="x" * 2_000_000)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (413, "validation_error")
    assert not Tracker.objects.exists()


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 400, "auth_missing_header"),
        ("Basic abc", 400, "auth_invalid_header"),
        ("Bearer", 400, "auth_invalid_header"),
        ("Bearer apik_nobody", 401, "auth_invalid_api_key"),
    ],
)
def test_a_caller_without_a_good_key_is_told_why(
    db: None, header: str | None, status: int, code: str
) -> None:
    client = APIClient()
    if header:
        client.credentials(HTTP_AUTHORIZATION=header)
    answer = client.get("/v1/trackers")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


def test_a_revoked_key_opens_nothing_and_a_used_one_says_when(alice: Merchant) -> None:
    key, secret = ApiKey.issue(alice)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"bearer {secret}")
    assert client.get("/v1/trackers").status_code == 200
    key.refresh_from_db()
    assert key.last_used_at is not None
    ApiKey.objects.update(revoked_at=key.created_at)
    assert client.get("/v1/trackers").status_code == 401


def test_only_a_hash_of_the_key_is_stored(alice: Merchant) -> None:
    _, secret = ApiKey.issue(alice)
    assert secret.startswith("apik_")
    assert len(bytes.fromhex(secret.removeprefix("apik_"))) == 32
    assert secret not in str(ApiKey.objects.values().get())


COURIERS = [
    ("SHIP24_SAMPLE_DELIVERED_000", ["sandbox"]),
    ("HSBY37H7", ["247express", "all24"]),
    ("VN-000123", ["247express"]),
    ("a/b.c/d", []),
]


@pytest.mark.parametrize(("number", "couriers"), COURIERS)
def test_without_a_courier_every_reachable_one_whose_format_fits_is_asked(
    as_alice: APIClient, alice: Merchant, number: str, couriers: list[str]
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24")
    CarrierAccountFactory(merchant=None, courier="247express")
    answer = post(as_alice, trackingNumber=number)
    assert answer.status_code == 201
    assert sorted(Watch.objects.values_list("courier", flat=True)) == couriers


def test_couriers_that_the_merchant_cannot_reach_are_not_asked(as_alice: APIClient, bob: Merchant) -> None:
    CarrierAccountFactory(merchant=bob, courier="all24")
    tracker = post(as_alice, trackingNumber="HSBY37H7").json()["data"]["tracker"]
    assert not Watch.objects.exists()
    assert tracker["lastPollOutcome"] == "no_carrier_account"


def test_a_courier_without_an_account_is_watched_until_one_appears(as_alice: APIClient) -> None:
    tracker = post(as_alice, trackingNumber="HSBY37H7", courierCode="all24").json()["data"]["tracker"]
    assert (tracker["lastPollOutcome"], tracker["nextPollAt"]) == ("no_carrier_account", None)
    assert Watch.objects.get().next_poll_at is not None


def test_an_old_shipment_that_is_followed_already_is_found_again(as_alice: APIClient) -> None:
    body = {"trackingNumber": "12345", "shippingDate": "2026-11-01"}
    with time_machine.travel("2026-11-02T00:00:00Z"):
        first = post(as_alice, **body)
    with time_machine.travel("2027-11-02T00:00:00Z"):
        again = post(as_alice, **body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert Tracker.objects.count() == 1


def test_absent_null_and_false_are_the_same_wish(as_alice: APIClient) -> None:
    for settings in (None, {}, {"restrictTrackingToCourierCode": None}):
        assert post(as_alice, trackingNumber="12345", settings=settings).status_code == 201
    assert Tracker.objects.count() == 1


def test_a_query_cannot_choose_another_format(as_alice: APIClient) -> None:
    assert as_alice.get("/v1/events?format=xml").status_code == 200


def test_an_unknown_route_is_answered_in_the_envelope(as_alice: APIClient) -> None:
    answer = as_alice.get("/v1/nothing")
    assert (answer.status_code, answer.json()["data"]) == (404, None)


def test_a_wrong_method_is_answered_in_the_envelope(as_alice: APIClient) -> None:
    answer = as_alice.delete("/v1/trackers")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (405, "method_not_allowed")


def test_creating_takes_the_same_statements_for_one_courier_and_three(
    alice: Merchant, as_alice: APIClient, count_statements: Callable[[Callable[[], Any]], int]
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24")
    post(as_alice, trackingNumber="HSAAAAA0")  # the key's first use is written down
    one = count_statements(lambda: post(as_alice, trackingNumber="HSAAAAA1", courierCode="all24"))
    both = ["all24", "247express"]
    assert count_statements(lambda: post(as_alice, trackingNumber="HSAAAAA2", courierCode=both)) == one
