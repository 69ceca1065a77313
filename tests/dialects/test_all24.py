"""all24's protocol, served: what its own answer told is answered back, for the merchant whose key it is."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import ApiKey, Merchant, Scope
from carriers.words import all24 as words
from tests.carrier_server import DATA, order
from tests.dialects.conftest import Learn, follow
from tests.waiting import eventually
from trackers.dialects import all24
from trackers.models import Tracker

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/v1/tracking/orders"
SEED: dict[str, Any] = json.loads((DATA / "all24" / "delivered.json").read_bytes())
NUMBER = "HSBY37H7"
Ask = Callable[..., Any]


@pytest.fixture
def ask(client: APIClient, key: str) -> Ask:
    """Ask with alice's key, or another."""
    return lambda shown=key, **params: client.get(URL, params, headers={"HS-Api-Key": shown})


@pytest.fixture
def seed(alice: Merchant, learn: Learn) -> Tracker:
    body = (DATA / "all24" / "delivered.json").read_bytes()
    return learn(alice, "all24", NUMBER, body, clientTrackerId="123abc1", shipmentReference="shop-1")


def test_the_seeds_order_is_answered_back_field_by_field(seed: Tracker, ask: Ask) -> None:
    """All but one place: the first scan stood at the sender's own, which the log never learns."""
    expected = json.loads(json.dumps(SEED))
    expected[NUMBER]["history"][-1]["location"] = dict.fromkeys(words.PLACE, "")
    answer = ask(hs_order_ref=NUMBER)
    assert (answer.status_code, answer["content-type"]) == (200, "application/json")
    assert answer.json() == expected


@pytest.mark.parametrize(
    "asked",
    [
        {"hs_order_ref": NUMBER},
        {"tracking_ref": "123abc1"},
        {"customer_ref": "shop-1"},
        {"hs_order_ref": NUMBER, "tracking_ref": "123abc1", "customer_ref": "shop-1"},
        {"hs_order_ref": NUMBER, "tracking_ref": ""},
        {"hs_order_ref": NUMBER, "unheard_of": "x"},
    ],
)
def test_an_order_is_found_by_each_name_it_has(seed: Tracker, ask: Ask, asked: dict[str, str]) -> None:
    assert list(ask(**asked).json()) == [NUMBER, "response_code", "error_codes"]


def test_an_order_is_found_by_its_trackers_id(seed: Tracker, ask: Ask) -> None:
    assert NUMBER in ask(tracking_ref=str(seed.id)).json()


@pytest.mark.parametrize(
    "asked",
    [
        {"hs_order_ref": "HSCZJUQ5"},
        {"hs_order_ref": NUMBER, "tracking_ref": "another"},
        {"hs_order_ref": NUMBER, "customer_ref": "another"},
        {"hs_order_ref": NUMBER.lower()},
        {"tracking_ref": str(UUID(int=1))},
    ],
)
def test_what_does_not_fit_all_that_is_asked_is_not_found(
    seed: Tracker, ask: Ask, asked: dict[str, str]
) -> None:
    answer = ask(**asked)
    assert answer.status_code == 404
    assert answer.json() == {"response_code": 404, "error_codes": ["order_not_found"]}


def test_another_merchants_order_is_answered_like_one_that_never_was(
    seed: Tracker, bob: Merchant, ask: Ask
) -> None:
    _, bobs = ApiKey.issue(bob)
    never = ask(shown=bobs, hs_order_ref="HSNEVER0")
    for asked in ({"hs_order_ref": NUMBER}, {"tracking_ref": str(seed.id)}, {"customer_ref": "shop-1"}):
        answer = ask(shown=bobs, **asked)
        assert (answer.status_code, answer.content) == (never.status_code, never.content)


@pytest.mark.parametrize("asked", [{}, {"hs_order_ref": ""}, {"HS_ORDER_REF": NUMBER}])
def test_a_call_without_a_parameter_is_a_400(ask: Ask, asked: dict[str, str]) -> None:
    answer = ask(**asked)
    assert answer.json() == {"response_code": 400, "error_codes": ["missing_parameter"]}
    assert answer.status_code == 400


@pytest.mark.parametrize("shown", ["", "apik_wrong", "\x00", "\u00e9" * 9_000])
def test_a_call_without_a_good_key_is_a_401(ask: Ask, shown: str) -> None:
    answer = ask(shown=shown, hs_order_ref=NUMBER)
    assert answer.json() == {"response_code": 401, "error_codes": ["invalid_api_key"]}
    assert answer.status_code == 401


def test_a_key_without_the_scope_is_no_key(seed: Tracker, alice: Merchant, ask: Ask) -> None:
    _, native = ApiKey.issue(alice, scopes=[Scope.NATIVE, Scope.EXPRESS247, Scope.READ_ONLY])
    assert ask(shown=native, hs_order_ref=NUMBER).status_code == 401
    _, dialect = ApiKey.issue(alice, scopes=[Scope.ALL24])
    assert ask(shown=dialect, hs_order_ref=NUMBER).status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_other_methods_are_a_405(client: APIClient, key: str, method: str) -> None:
    answer = getattr(client, method)(URL, headers={"HS-Api-Key": key})
    assert answer.status_code == 405
    assert answer.json() == {"response_code": 405, "error_codes": ["method_not_allowed"]}


def test_a_call_too_many_is_a_429_that_says_when_to_come_again(
    alice: Merchant, seed: Tracker, ask: Ask
) -> None:
    Merchant.objects.filter(id=alice.id).update(api_rate_limit="1")
    answers: list[Any] = []
    eventually(lambda: answers.append(ask(hs_order_ref=NUMBER)) or answers[-1].status_code == 429)
    refused = answers[-1]
    assert refused.json() == {"response_code": 429, "error_codes": ["too_many_requests"]}
    assert int(refused["Retry-After"]) >= 1
    assert refused["RateLimit-Limit"] == "1"


def test_a_fault_of_ours_is_a_500_in_the_same_shape(
    seed: Tracker, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(all24, "_found", fail)
    answer = ask(hs_order_ref=NUMBER)
    assert (answer.status_code, answer.json()) == (
        500,
        {"response_code": 500, "error_codes": ["server_error"]},
    )


@pytest.mark.parametrize("name", ["hs_order_ref", "tracking_ref", "customer_ref"])
@pytest.mark.parametrize("value", ["\x00", "a\x00b", "x" * 10_000, "\U0001f4e6", "%", "'; --", "\ud800"])
def test_hostile_values_are_not_found(ask: Ask, name: str, value: str) -> None:
    sent = value.encode("utf-8", "surrogatepass").decode("latin-1") if value == "\ud800" else value
    assert ask(**{name: sent}).status_code == 404


def test_repeated_and_countless_parameters_are_no_fault(seed: Tracker, client: APIClient, key: str) -> None:
    headers = {"HS-Api-Key": key}
    twice = client.get(f"{URL}?hs_order_ref=HSCZJUQ5&hs_order_ref={NUMBER}", headers=headers)
    assert twice.status_code == 200
    assert client.get(f"{URL}?{'a=1&' * 2_000}", headers=headers).status_code == 400
    assert client.get(f"{URL}?hs_order_ref=%ff%fe", headers=headers).status_code == 404


def test_any_accept_header_gets_json(seed: Tracker, client: APIClient, key: str) -> None:
    headers = {"HS-Api-Key": key, "Accept": "text/html"}
    assert client.get(URL, {"hs_order_ref": NUMBER}, headers=headers).json()["response_code"] == 200


def test_of_two_orders_with_one_number_the_newest_subscribed_answers(alice: Merchant, ask: Ask) -> None:
    for reference in ("first", "second", "third"):
        follow(alice, "all24", NUMBER, clientTrackerId=reference, shipmentReference="shop")
    Tracker.objects.filter(client_tracker_id="third").update(is_subscribed=False)
    for asked in ({"hs_order_ref": NUMBER}, {"customer_ref": "shop"}):
        assert ask(**asked).json()[NUMBER]["order_ref_id"] == "second"
    assert ask(tracking_ref="third").json()[NUMBER]["order_ref_id"] == "third"


def test_a_sellers_orders_are_the_newest_hundred_in_a_fixed_number_of_statements(
    alice: Merchant, ask: Ask, count_statements: Callable[[Callable[[], object]], int]
) -> None:
    follow(alice, "all24", "HSALONE0", shipmentReference="one")
    for n in range(103):
        follow(alice, "all24", f"HSAAA{n:03}", shipmentReference="many")
    ask(customer_ref="one")
    few = count_statements(lambda: ask(customer_ref="one"))
    assert count_statements(lambda: ask(customer_ref="many")) == few
    assert list(ask(customer_ref="many").json())[:100] == [f"HSAAA{n:03}" for n in range(102, 2, -1)]
    assert len(ask(customer_ref="many").json()) == 102


def test_an_order_called_like_the_envelope_does_not_replace_it(alice: Merchant, ask: Ask) -> None:
    follow(alice, "all24", "response_code")
    assert ask(hs_order_ref="response_code").status_code == 404


def test_an_order_nobody_told_anything_of_has_an_empty_history(alice: Merchant, ask: Ask) -> None:
    tracker = follow(alice, "all24", NUMBER, recipient={"name": "Given Recipient"})
    found = ask(hs_order_ref=NUMBER).json()[NUMBER]
    assert (found["history"], found["order_ref_id"], found["expected_completion"]) == ([], "", "")
    assert found["origin_order_date"][-6:] == "+07:00"
    assert found["origin_order_date"][:4] == str(tracker.created_at.year)
    assert found["recipient_location"]["location_name"] == "Given Recipient"


def test_an_orders_own_offset_holds_for_all_its_times(alice: Merchant, learn: Learn, ask: Ask) -> None:
    history = [
        {"event_time": "2026-03-02", "event_name": "Some time that day", "event_code": "200000"},
        {"event_time": "2026-03-01T10:00:00Z", "event_name": "In UTC", "event_code": "100000"},
        {"event_time": "2026-03-01 12:00:00", "event_name": "As the order", "event_code": "050000"},
        {"event_time": "", "event_name": "No time", "event_code": "777777"},
    ]
    _, body = order(
        NUMBER,
        origin_order_date="2026-03-01T09:00:00+05:30",
        expected_completion="2026-03-03",
        history=history,
    )
    learn(alice, "all24", NUMBER, body)
    found = ask(hs_order_ref=NUMBER).json()[NUMBER]
    assert found["origin_order_date"] == "2026-03-01T09:00:00+05:30"
    assert found["expected_completion"] == "2026-03-03T23:59:59+05:30"
    assert {one["event_name"]: one["event_time"] for one in found["history"]} == {
        "Some time that day": "2026-03-02 00:00:00",
        "In UTC": "2026-03-01 15:30:00",
        "As the order": "2026-03-01 12:00:00",
        "No time": "",
    }
    assert [one["event_code"] for one in found["history"]][-1] == "777777"


def test_scans_of_another_carrier_get_its_zone_and_the_nearest_code(
    alice: Merchant, learn: Learn, ask: Ask
) -> None:
    learn(alice, "247express", "EX247-0001", (DATA / "247express" / "delivered.json").read_bytes())
    found = ask(hs_order_ref="EX247-0001").json()["EX247-0001"]
    assert [(one["event_time"], one["event_code"], one["event_name"]) for one in found["history"]] == [
        ("2024-05-02 11:40:00", "500000", "Delivered"),
        ("2024-05-02 08:05:00", "200000", "Out for delivery"),
        ("2024-05-01 22:15:00", "200000", "In transit"),
        ("2024-05-01 10:30:00", "100000", "Picked up"),
        ("2024-05-01 08:00:00", "050000", "Order created"),
    ]
    assert found["expected_completion"] == "2024-05-02T18:00:00+07:00"
    assert found["origin_order_date"] == "2024-05-01T08:00:00+07:00"
    assert found["history"][0]["location"]["location_name"] == "Cầu Giấy, Hà Nội"


def test_the_route_stands_under_v1_alone(client: APIClient, key: str, settings: Settings) -> None:
    assert client.get(f"/public{URL}", headers={"HS-Api-Key": key}).status_code == 404
