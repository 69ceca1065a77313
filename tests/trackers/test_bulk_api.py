"""`POST /v1/trackers/bulk`: many creates in one call."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Merchant
from events.models import Event
from tests.factories import CarrierAccountFactory
from trackers.models import Tracker, Watch
from trackers.rebuilding import check


def post(client: APIClient, body: Any) -> Any:
    return client.post("/v1/trackers/bulk", json.dumps(body), content_type="application/json")


def numbers(*names: str) -> list[dict[str, Any]]:
    return [{"trackingNumber": name} for name in names]


def statuses(answer: Any) -> list[str]:
    return [one["itemStatus"] for one in answer.json()["data"]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("wrap", [lambda items: items, lambda items: {"trackers": items}])
def test_a_hundred_are_created_in_their_order(as_alice: APIClient, wrap: Callable[[list[Any]], Any]) -> None:
    items = numbers(*(f"SHIP24_SAMPLE_PENDING_{n:03}" for n in range(100)))
    answer = post(as_alice, wrap(items))
    body = answer.json()
    assert (answer.status_code, body["status"], body["error"]) == (201, "success", None)
    assert body["summary"] == {"totalInputs": 100, "totalCreated": 100, "totalExisting": 0, "totalErrors": 0}
    assert [one["inputData"] for one in body["data"]] == items
    assert [one["tracker"]["trackingNumber"] for one in body["data"]] == [
        one["trackingNumber"] for one in items
    ]
    assert Event.objects.count() == Watch.objects.count() == 100
    assert list(check()) == []


def test_a_hundred_take_the_statements_of_one(
    alice: Merchant, as_alice: APIClient, count_statements: Callable[[Callable[[], Any]], int]
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24")
    post(as_alice, numbers("HSAAAAA0"))  # the key's first use is written down
    one = count_statements(lambda: post(as_alice, numbers("HSBBBBB0")))
    many = numbers(*(f"HSCCCC{n:02}" for n in range(100)))
    assert count_statements(lambda: post(as_alice, many)) == one


def test_one_bad_item_never_hurts_its_neighbours(as_alice: APIClient) -> None:
    bad = [
        {},
        {"trackingNumber": "1234"},
        {"trackingNumber": "12345", "title": 7, "courierCode": "nobody"},
        {"trackingNumber": "12345", "shippingDate": "2020-01-01"},
        {"trackingNumber": "a/b/c/d", "courierCode": "247express"},
        [],
        None,
        "12345",
        7,
    ]
    answer = post(as_alice, [numbers("11111")[0], *bad, numbers("22222")[0]])
    data = answer.json()["data"]
    assert (answer.status_code, answer.json()["status"]) == (207, "partial")
    assert statuses(answer) == ["created", *["error"] * len(bad), "created"]
    assert [[error["code"] for error in one["errors"]] for one in data[1:-1]] == [
        ["missing_mandatory_field"],
        ["validation_error"],
        ["validation_error", "validation_error"],
        ["shipping_date_outdated"],
        *[["validation_error"]] * 5,
    ]
    assert [one["inputData"] for one in data[1:6]] == bad[:5]
    assert [one["inputData"] for one in data[6:-1]] == [{}] * 4, "an object always, by Ship24's schema"
    assert Tracker.objects.count() == 2


def test_what_is_twice_in_a_batch_is_created_and_then_exists(as_alice: APIClient) -> None:
    same = {"trackingNumber": "12345", "clientTrackerId": "mine"}
    answer = post(as_alice, [same, numbers("54321")[0], same | {"title": "other"}, same])
    ids = [one["tracker"]["trackerId"] for one in answer.json()["data"]]
    assert answer.status_code == 201
    assert statuses(answer) == ["created", "created", "existing", "existing"]
    assert ids[0] == ids[2] == ids[3] != ids[1]
    assert answer.json()["summary"]["totalExisting"] == 2


def test_what_is_there_already_exists(as_alice: APIClient) -> None:
    first = post(as_alice, numbers("12345")).json()["data"][0]["tracker"]
    again = post(as_alice, numbers("12345"))
    assert (again.status_code, statuses(again)) == (201, ["existing"])
    assert again.json()["data"][0]["tracker"] == first
    assert Event.objects.count() == 1


@pytest.mark.parametrize("number", ["12345", "99999", "SHIP24_SAMPLE_PENDING_000"])
def test_of_two_payloads_with_one_client_tracker_id_the_first_wins(as_alice: APIClient, number: str) -> None:
    """Whatever their digests: rows go in by those."""
    mine = {"trackingNumber": number, "clientTrackerId": "mine"}
    answer = post(as_alice, [mine, mine | {"trackingNumber": "54321"}, mine])
    assert (answer.status_code, statuses(answer)) == (207, ["created", "error", "existing"])
    assert answer.json()["data"][1]["errors"][0]["code"] == "tracker_conflict"


def test_a_conflict_with_a_standing_tracker_leaves_its_repeat_alone(as_alice: APIClient) -> None:
    mine = {"trackingNumber": "12345", "clientTrackerId": "mine"}
    post(as_alice, [mine])
    answer = post(as_alice, [mine | {"trackingNumber": "54321"}, mine])
    assert statuses(answer) == ["error", "existing"]


def test_where_every_item_fails_each_says_why(as_alice: APIClient) -> None:
    answer = post(as_alice, numbers("TEST", "x y"))
    body = answer.json()
    assert (answer.status_code, body["status"]) == (400, "error")
    assert body["error"]["code"] == "processing_error"
    assert body["summary"]["totalErrors"] == 2
    assert statuses(answer) == ["error", "error"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("[]", 400, "validation_error"),
        ("{}", 400, "validation_error"),
        ('{"trackers": {}}', 400, "validation_error"),
        ('"12345"', 400, "validation_error"),
        ("null", 400, "validation_error"),
        ("[{]", 400, "parsing_error"),
        ("[NaN]", 400, "parsing_error"),
        (json.dumps(numbers(*["12345"] * 101)), 403, "bulk_create_limit_exceeded"),
    ],
)
def test_a_request_that_is_wrong_as_a_whole_is_answered_in_the_same_envelope(
    as_alice: APIClient, body: str, status: int, code: str
) -> None:
    answer = as_alice.post("/v1/trackers/bulk", body, content_type="application/json")
    told = answer.json()
    assert (answer.status_code, told["error"]["code"]) == (status, code)
    assert (told["status"], told["summary"], told["data"]) == ("error", None, None)
    assert told["error"]["message"]
    assert not Tracker.objects.exists()


def test_what_fits_the_quota_is_created_and_the_rest_told(alice: Merchant, as_alice: APIClient) -> None:
    post(as_alice, numbers("11111"))
    Merchant.objects.filter(id=alice.id).update(tracker_limit=2)
    answer = post(as_alice, numbers("22222", "33333", "11111", "22222"))
    assert (answer.status_code, statuses(answer)) == (207, ["created", "error", "existing", "existing"])
    assert answer.json()["data"][1]["errors"][0]["code"] == "quota_limit_reached"
    assert Tracker.objects.count() == 2


def test_where_nothing_fits_the_quota_the_whole_is_refused(alice: Merchant, as_alice: APIClient) -> None:
    Merchant.objects.filter(id=alice.id).update(tracker_limit=0)
    answer = post(as_alice, numbers("11111", "22222"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "quota_limit_reached")
    assert (answer.json()["data"], answer.json()["summary"]) == (None, None)


@pytest.mark.parametrize("echoed", ['"\\ud800"', "1e999", "[" * 500 + "]" * 500])
def test_input_that_cannot_be_written_again_is_answered_all_the_same(
    as_alice: APIClient, echoed: str
) -> None:
    body = f'[{{"trackingNumber": "12345", "note": {echoed}}}]'
    answer = as_alice.post("/v1/trackers/bulk", body, content_type="application/json")
    assert answer.status_code == 201
    assert set(answer.json()["data"][0]["inputData"]) == {"trackingNumber", "note"}


def test_another_merchants_trackers_are_not_what_exists(as_alice: APIClient, as_bob: APIClient) -> None:
    post(as_bob, numbers("12345"))
    assert statuses(post(as_alice, numbers("12345"))) == ["created"]
