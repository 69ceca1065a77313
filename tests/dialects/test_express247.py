"""247Express's protocol, served: what the carrier told is answered back to the merchant whose key it is."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import ApiKey, Merchant, Scope
from tests.carrier_server import DATA, order
from tests.dialects.conftest import Learn, follow
from tests.waiting import eventually
from trackers.dialects import express247
from trackers.models import Tracker

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/Order/v1/Tracking"
NUMBER = "EX247-0001"
BODY = (DATA / "247express" / "delivered.json").read_bytes()
SEED: dict[str, Any] = json.loads(BODY)
Ask = Callable[..., Any]


@pytest.fixture
def ask(client: APIClient, key: str) -> Ask:
    """Ask with alice's key, or another."""
    return lambda code, shown=key: client.get(URL, {"ordercode": code, "apikey": shown})


@pytest.fixture
def seed(alice: Merchant, learn: Learn) -> Tracker:
    return learn(alice, "247express", NUMBER, BODY)


def document(**fields: Any) -> bytes:
    return json.dumps({"orderCode": NUMBER, "status": "IN_TRANSIT"} | fields).encode()


def error(code: str) -> dict[str, Any]:
    """What an error looks like, but for its text."""
    return dict.fromkeys(SEED) | {"errorCode": code, "errorMessage": express247._MESSAGES[code]}


def test_every_field_of_the_order_is_answered_back(seed: Tracker, ask: Ask) -> None:
    """`deliveryDate` is the delivery's own time: the log has one for each scan."""
    answer = ask(NUMBER)
    told = answer.json()
    assert (answer.status_code, answer["content-type"]) == (200, "application/json; charset=utf-8")
    assert told.keys() == SEED.keys()
    lists = {"statuses", "trackings"}
    changed = {"deliveryDate": "2024-05-02T11:40:00", "height": 10, "fuelFeeAmount": 1750.25}
    assert {name: told[name] for name in SEED.keys() - lists} == {
        name: value for name, value in (SEED | changed).items() if name not in lists
    }


def test_its_statuses_are_answered_back_newest_first(seed: Tracker, ask: Ask) -> None:
    assert ask(NUMBER).json()["statuses"] == SEED["statuses"]


def test_its_trackings_are_answered_back_with_their_places(seed: Tracker, ask: Ask) -> None:
    trackings = {one["dateChange"]: one for one in ask(NUMBER).json()["trackings"]}
    assert len(trackings) == 5
    assert {when: trackings[when] for when in (one["dateChange"] for one in SEED["trackings"])} == {
        one["dateChange"]: one for one in SEED["trackings"]
    }


def test_money_is_answered_to_the_last_digit(alice: Merchant, learn: Learn, ask: Ask) -> None:
    body = document(
        price="20.10", weight="0.1000000000000000000000001", length="30 cm", quantity=0,
        priceInfo=[{"serviceName": "Fast", "cost": "12345678901234567890.5"}],
    )  # fmt: skip
    learn(alice, "247express", NUMBER, body)
    text = ask(NUMBER).content.decode()
    assert '"price":20.10,' in text
    assert '"weight":0.1000000000000000000000001,' in text
    assert '"length":"30 cm",' in text
    assert '"quantity":0,' in text
    assert '"priceInfo":[{"serviceName":"Fast","serviceID":null,"cost":12345678901234567890.5}]' in text


def test_a_delay_has_its_code_and_note(alice: Merchant, learn: Learn, ask: Ask) -> None:
    body = document(
        status="PENDING_FOR_PROCEED",
        delayCode="8",
        delayNote="Did not want it",
        statuses=[{"time": "2024-05-02T11:40:00", "status": "PENDING_FOR_PROCEED"}],
    )
    learn(alice, "247express", NUMBER, body)
    told = ask(NUMBER).json()
    assert (told["delayCode"], told["delayNote"]) == ("8", "Did not want it")
    assert (told["status"], told["statusName"]) == ("PENDING_FOR_PROCEED", "Pending for proceed")
    assert told["deliveryDate"] is None


def test_what_is_not_known_is_null(alice: Merchant, ask: Ask) -> None:
    follow(alice, "247express", NUMBER)
    told = ask(NUMBER).json()
    assert told == dict.fromkeys(SEED) | {"orderCode": NUMBER, "statuses": [], "trackings": []}


def test_a_word_and_a_day_are_told_as_they_came(alice: Merchant, learn: Learn, ask: Ask) -> None:
    statuses = [
        {"time": "2024-05-01T20:00:00-05:00", "status": "IN_TRANSIT"},
        {"time": "2024-05-02", "status": "BEAMED", "statusName": "Beamed up"},
        {"time": None, "status": "ACCEPTED"},
    ]
    learn(alice, "247express", NUMBER, document(statuses=statuses, estimateRoutes="1-2 days"))
    told = ask(NUMBER).json()
    assert [(one["time"], one["status"]) for one in told["statuses"]] == [
        ("2024-05-02T08:00:00", "IN_TRANSIT"),
        ("2024-05-02", "BEAMED"),
        (None, "ACCEPTED"),
    ]
    assert (told["status"], told["estimateRoutes"]) == ("IN_TRANSIT", "1-2 days")


def test_what_only_the_orders_own_fields_tell_is_in_no_list(alice: Merchant, learn: Learn, ask: Ask) -> None:
    statuses = [{"time": "2024-05-02T08:00:00", "status": "DELIVERING"}]
    learn(
        alice,
        "247express",
        NUMBER,
        document(status="DELIVERED", deliveryDate="2024-05-02", acceptDate="2024-05-01", statuses=statuses),
    )
    told = ask(NUMBER).json()
    assert [one["status"] for one in told["statuses"]] == ["DELIVERING"]
    assert (told["status"], told["deliveryDate"], told["acceptDate"]) == (
        "DELIVERED",
        "2024-05-02",
        "2024-05-01",
    )


def test_a_scan_after_the_delivery_does_not_move_its_date(alice: Merchant, learn: Learn, ask: Ask) -> None:
    _, body = order("HSBY37H7", "500000", "990000")
    learn(alice, "all24", "HSBY37H7", body)
    told = ask("HSBY37H7").json()
    assert (told["status"], told["deliveryDate"]) == ("DELIVERED", "2026-03-01T12:00:00")


def test_what_a_list_told_by_its_text_alone_is_told_again(alice: Merchant, learn: Learn, ask: Ask) -> None:
    statuses = [{"time": "2024-05-02T08:00:00", "trackingName": "At the gate"}]
    trackings = [{"dateChange": "2024-05-01T08:00:00", "statusName": "Delivering"}]
    learn(alice, "247express", NUMBER, document(statuses=statuses, trackings=trackings))
    told = ask(NUMBER).json()
    assert [one["trackingName"] for one in told["statuses"]] == ["At the gate", "Delivering"]
    assert [one["dateChange"] for one in told["trackings"]] == ["2024-05-02T08:00:00", "2024-05-01T08:00:00"]


def test_scans_of_another_carrier_get_the_nearest_word(alice: Merchant, learn: Learn, ask: Ask) -> None:
    _, body = order("HSBY37H7", "050000", "100000", "300000", "777777", "500000")
    learn(alice, "all24", "HSBY37H7", body)
    told = ask("HSBY37H7").json()
    assert [
        (one["time"], one["status"], one["statusName"], one["trackingName"]) for one in told["statuses"]
    ] == [
        ("2026-03-01T12:04:00", "DELIVERED", "Delivered", "Event 500000"),
        ("2026-03-01T12:03:00", "IN_TRANSIT", "In transit", "Event 777777"),
        ("2026-03-01T12:02:00", "IN_TRANSIT", "In transit", "Event 300000"),
        ("2026-03-01T12:01:00", "PICKED_UP", "Picked up", "Event 100000"),
        ("2026-03-01T12:00:00", "ACCEPTED", "Accepted", "Event 050000"),
    ]
    assert (told["acceptDate"], told["deliveryDate"]) == ("2026-03-01T12:01:00", "2026-03-01T12:04:00")
    assert told["trackings"][0]["postOfficeName"] == "Depot, Bangkok, 10110"
    assert (told["price"], told["mailerTypeID"], told["trackings"][0]["provinceName"]) == (None, None, None)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "MISSING_APIKEY"),
        ({"apikey": ""}, "MISSING_APIKEY"),
        ({"apikey": "", "ordercode": "x"}, "MISSING_APIKEY"),
        ({"apikey": "1111-1111", "ordercode": "x"}, "APIKEY_NOT_FOUND"),
        ({"apikey": "\x00"}, "APIKEY_NOT_FOUND"),
        ({"apikey": "k" * 10_000}, "APIKEY_NOT_FOUND"),
        ({"ordercode": ""}, "MISSING_ORDERCODE"),
        ({"OtherCode": "12345"}, "MISSING_ORDERCODE"),
        ({"ordercode": "1234"}, "ORDERCODE_MIN_LENGTH"),
        ({"ordercode": "!"}, "ORDERCODE_MIN_LENGTH"),
        ({"ordercode": "1" * 21}, "ORDERCODE_MAX_LENGTH"),
        ({"ordercode": "x" * 10_000}, "ORDERCODE_MAX_LENGTH"),
        ({"ordercode": "12 45"}, "ORDERCODE_FORMAT_EXCEPTION"),
        ({"ordercode": "12345\n"}, "ORDERCODE_FORMAT_EXCEPTION"),
        ({"ordercode": "\x00" * 6}, "ORDERCODE_FORMAT_EXCEPTION"),
        ({"ordercode": "١٢٣٤٥"}, "ORDERCODE_FORMAT_EXCEPTION"),
        ({"ordercode": "12345"}, "ORDERCODE_NOT_FOUND"),
        ({"ordercode": "1" * 20}, "ORDERCODE_NOT_FOUND"),
    ],
)
def test_errors_come_in_the_order_of_the_checks(
    client: APIClient, key: str, params: dict[str, str], code: str
) -> None:
    known = {} if "APIKEY" in code else {"apikey": key}
    answer = client.get(URL, known | params)
    assert (answer.status_code, answer.json()) == (200, error(code))


@pytest.mark.parametrize("names", [("ordercode", "apikey"), ("orderCode", "apiKey"), ("ORDERCODE", "APIKEY")])
def test_names_of_parameters_are_taken_in_any_case(
    seed: Tracker, client: APIClient, key: str, names: tuple[str, str]
) -> None:
    assert client.get(URL, dict(zip(names, (NUMBER, key), strict=True))).json()["orderCode"] == NUMBER


def test_repeated_and_countless_parameters_are_no_fault(client: APIClient, key: str) -> None:
    for query in (f"ordercode=1&ordercode=12345&apikey={key}", f"ordercode=%ff%fe&APIKEY=x&apikey={key}"):
        assert client.get(f"{URL}?{query}").status_code == 200
    countless = client.get(f"{URL}?apikey={key}&{'a=1&' * 2_000}")
    assert (countless.status_code, countless.json()) == (400, error("EXCEPTION"))


def test_another_merchants_order_is_answered_like_one_that_never_was(
    seed: Tracker, bob: Merchant, ask: Ask
) -> None:
    _, bobs = ApiKey.issue(bob)
    assert ask(NUMBER, bobs).content == ask("NEVER-THERE", bobs).content


def test_a_key_without_the_scope_is_unknown(seed: Tracker, alice: Merchant, ask: Ask) -> None:
    _, native = ApiKey.issue(alice, scopes=[Scope.NATIVE, Scope.ALL24, Scope.READ_ONLY])
    assert ask(NUMBER, native).json() == error("APIKEY_NOT_FOUND")
    _, dialect = ApiKey.issue(alice, scopes=[Scope.EXPRESS247])
    assert ask(NUMBER, dialect).json()["orderCode"] == NUMBER


def test_of_two_orders_with_one_number_the_newest_subscribed_answers(
    alice: Merchant, learn: Learn, ask: Ask
) -> None:
    follow(alice, "all24", NUMBER, clientTrackerId="older")
    learn(alice, "247express", NUMBER, BODY)
    Tracker.objects.filter(client_tracker_id=None).update(is_subscribed=False)
    assert ask(NUMBER).json()["status"] is None
    Tracker.objects.update(is_subscribed=False)
    assert ask(NUMBER).json()["status"] == "DELIVERED"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_other_methods_are_a_405_in_the_same_shape(client: APIClient, method: str) -> None:
    answer = getattr(client, method)(URL)
    assert (answer.status_code, answer.json()) == (405, error("EXCEPTION"))


def test_a_fault_of_ours_is_a_500_in_the_same_shape(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(express247, "_found", fail)
    answer = ask(NUMBER)
    assert (answer.status_code, answer.json()) == (500, error("EXCEPTION"))


def test_a_call_too_many_in_a_second_is_temporary(alice: Merchant, ask: Ask) -> None:
    """Never APIKEY_LIMIT, after which clients rest until the next day."""
    Merchant.objects.filter(id=alice.id).update(api_rate_limit="1")
    answers: list[Any] = []
    eventually(lambda: answers.append(ask(NUMBER)) or answers[-1].status_code == 429)
    refused = answers[-1]
    assert refused.json() == error("EXCEPTION")
    assert int(refused["Retry-After"]) >= 1
    assert answers[-1]["RateLimit-Limit"] == "1"


def test_the_look_ups_of_a_day_are_limited_by_key(
    seed: Tracker, alice: Merchant, ask: Ask, settings: Settings
) -> None:
    settings.EXPRESS247_DAILY_LOOKUPS = 2
    assert [ask(NUMBER).json()["errorCode"] for _ in range(3)] == [None, None, "APIKEY_LIMIT"]
    assert ask("").json() == error("APIKEY_LIMIT")
    assert ask(NUMBER, "unknown").json() == error("APIKEY_NOT_FOUND")
    _, another = ApiKey.issue(alice)
    assert ask(NUMBER, another).json()["errorCode"] is None


def test_an_answer_takes_a_fixed_number_of_statements(
    seed: Tracker, alice: Merchant, ask: Ask, count_statements: Callable[[Callable[[], object]], int]
) -> None:
    follow(alice, "247express", "EX247-0002")
    ask(NUMBER)
    assert count_statements(lambda: ask(NUMBER)) == count_statements(lambda: ask("EX247-0002"))
