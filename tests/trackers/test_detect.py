"""Whose number it may be: pure detection, the route, and which couriers are watched."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers import accounts, detecting
from carriers.adapter import Adapter, Confidence
from carriers.detecting import candidates
from carriers.registry import adapters
from tests.carrier_server import CarrierServer
from tests.factories import CarrierAccountFactory
from trackers.detection import MOST, couriers_for, settle_accounts
from trackers.models import Tracker

EVERY = frozenset({"all24", "247express", "sandbox"})
DETECT = "/v1/couriers/detect"


class Post(Adapter):
    """A courier whose numbers end in a check digit: the sum of the others."""

    name = "Post"
    looks_like = re.compile(r"\d{5,}")
    confidence = Confidence.FORMAT
    check_form = "sum of digits"

    def __init__(self, code: str) -> None:
        self.code = code  # type: ignore[misc]

    @staticmethod
    def check(number: str) -> bool:
        return sum(map(int, number[:-1])) % 10 == int(number[-1])

    def ask(self, query: Any, client: Any) -> Any:
        raise AssertionError("detection asks no carrier")

    def parse(self, answer: Any, query: Any) -> Any:
        raise AssertionError("detection asks no carrier")


@pytest.fixture
def posts(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Adapter]:
    """Five couriers with the same check digit, which exist besides the real ones."""
    known = {**adapters(), **{code: Post(code) for code in ("p1", "p2", "p3", "p4", "p5")}}
    monkeypatch.setattr(detecting, "adapters", lambda: known)
    return known


def found(number: str, couriers: frozenset[str] = EVERY) -> list[tuple[str, str]]:
    return [(one.courier, one.confidence) for one in candidates(number, couriers)]


def test_the_surest_comes_first() -> None:
    assert found("HSBY37H7") == [("all24", "format"), ("247express", "guess")]


def test_the_sandboxs_numbers_are_its_alone() -> None:
    assert found("SHIP24_SAMPLE_DELIVERED_001") == [("sandbox", "format")]
    assert found("SANDBOX_LIFE_2S_001", frozenset({"247express"})) == [("sandbox", "format")]


def test_other_couriers_are_left_out_whatever_the_number_looks_like() -> None:
    assert found("HSBY37H7", frozenset({"247express"})) == [("247express", "guess")]
    assert found("HSBY37H7", frozenset()) == []


def test_a_right_check_digit_is_surer_than_a_form_and_a_wrong_one_is_not(posts: object) -> None:
    every = frozenset({"p1", "247express"})
    assert found("1234500005", every) == [("p1", "checksum"), ("247express", "guess")]
    assert found("1234500006", every) == [("p1", "format"), ("247express", "guess")]
    assert candidates("1234500005", every)[0].why == "The number's check digit is right (sum of digits)."


def test_a_postal_number_is_ship24s_by_its_check_digit_and_anything_else_a_guess() -> None:
    assert found("RA123456785GB", frozenset({"ship24"})) == [("ship24", "checksum")]
    assert found("RA123456784GB", frozenset({"ship24"})) == [("ship24", "guess")]
    assert found("HSBY37H7", EVERY | {"ship24"})[0] == ("all24", "format")


def test_every_candidate_says_why() -> None:
    for number in ("HSBY37H7", "SHIP24_SAMPLE_DELIVERED_001", "ABCDEFG"):
        assert all(one.why.endswith(".") for one in candidates(number, EVERY))
    assert "HS, then six" in candidates("HSBY37H7", EVERY)[0].why


def test_equals_are_all_watched_up_to_the_most_and_the_surest_are_never_the_ones_left_out(
    posts: object,
) -> None:
    assert couriers_for("1234500006", [], {"p1", "p2", "p3"}) == ["p1", "p2", "p3"]
    assert len(couriers_for("1234500006", [], {"p1", "p2", "p3", "p4", "p5"})) == MOST
    assert couriers_for("1234500006", [], {"247express", "p5", "p4"}) == ["p4", "p5", "247express"]


def test_given_couriers_are_not_second_guessed() -> None:
    assert couriers_for("HSBY37H7", ["247express"], set()) == ["247express"]


@pytest.mark.parametrize("number", ["", "\n", "HSBY37H7\n", "🐦" * 8, "x" * 100_000, "HS\x00BY37H7"])
def test_strange_texts_are_nobodys(number: str) -> None:
    assert candidates(number, EVERY) == []


def test_detection_answers_with_candidates_of_the_merchants_couriers(
    alice: Merchant, as_alice: APIClient
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24")
    answer = as_alice.get(DETECT, {"trackingNumber": "HSBY37H7"})
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {
            "trackingNumber": "HSBY37H7",
            "candidates": [
                {
                    "courierCode": "all24",
                    "courierName": "all24",
                    "confidence": "format",
                    "reason": "It has the form of all24's own numbers: HS, then six capitals or digits.",
                    "isReachable": True,
                }
            ],
        }
    }


def test_anothers_accounts_are_no_candidates_and_the_houses_are(bob: Merchant, as_alice: APIClient) -> None:
    CarrierAccountFactory(merchant=bob, courier="all24")
    CarrierAccountFactory(merchant=None, courier="247express")
    answer = as_alice.get(DETECT, {"trackingNumber": "HSBY37H7"}).json()
    assert [one["courierCode"] for one in answer["data"]["candidates"]] == ["247express"]


def test_a_courier_whose_accounts_are_suspended_is_a_candidate_that_is_not_reachable(
    alice: Merchant, as_alice: APIClient
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24", state="suspended")
    (one,) = as_alice.get(DETECT, {"trackingNumber": "HSBY37H7"}).json()["data"]["candidates"]
    assert (one["courierCode"], one["isReachable"]) == ("all24", False)
    CarrierAccountFactory(merchant=alice, courier="all24")
    (one,) = as_alice.get(DETECT, {"trackingNumber": "HSBY37H7"}).json()["data"]["candidates"]
    assert one["isReachable"]


def test_the_couriers_that_are_watched_are_the_candidates_that_are_reachable(
    alice: Merchant, as_alice: APIClient, follow: Callable[..., Tracker]
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24")
    CarrierAccountFactory(merchant=None, courier="247express")
    answer = as_alice.get(DETECT, {"trackingNumber": "HSBY37H7"}).json()
    reachable = [one["courierCode"] for one in answer["data"]["candidates"] if one["isReachable"]]
    tracker = follow(alice, "HSBY37H7", courierCode=None)
    assert {watch.courier for watch in tracker.watches.all()} == set(reachable) == {"all24", "247express"}


@pytest.mark.parametrize("state", ["suspended", "paused"])
def test_a_courier_whose_account_is_stopped_for_now_is_asked_once_it_is_taken_up_again(
    alice: Merchant, carrier: CarrierServer, follow: Callable[..., Tracker], state: str
) -> None:
    """A number that another courier takes too would else never be asked about where it belongs."""
    stopped = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url, state=state)
    CarrierAccountFactory(merchant=None, courier="247express", base_url=carrier.url)
    tracker = follow(alice, "HSBY37H7", courierCode=None)
    accounts.resume([stopped.id], paused_too=True)
    settle_accounts()
    assert tracker.watches.get(courier="all24").carrier_account == stopped
    assert tracker.watches.get(courier="247express").carrier_account is not None


def test_a_number_that_nobody_can_be_asked_about_is_looked_at_anew_when_accounts_change(
    alice: Merchant, follow: Callable[..., Tracker]
) -> None:
    accounts.house_account_without_key("sandbox")
    CarrierAccountFactory(merchant=alice, courier="247express", state="suspended")
    tracker = follow(alice, "HSBY37H7", courierCode=None)
    CarrierAccountFactory(merchant=alice, courier="all24")
    settle_accounts()
    assert {watch.courier for watch in tracker.watches.all()} == {"all24", "247express"}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", "trackingNumber"),
        ("?trackingNumber=", "trackingNumber"),
        ("?trackingNumber=abcd", "trackingNumber"),
        ("?trackingNumber=" + "x" * 51, "trackingNumber"),
        ("?trackingNumber=HSBY%2037H7", "trackingNumber"),
        ("?trackingNumber=HSBY37H7%00", "trackingNumber"),
        ("?trackingNumber=HSBY37H7&trackingNumber=HSBY37H8", "trackingNumber"),
        ("?trackingNumber=HSBY37H7&courierCode=all24", "courierCode"),
    ],
)
def test_a_bad_query_is_refused_by_name(as_alice: APIClient, query: str, named: str) -> None:
    answer = as_alice.get(DETECT + query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"].startswith(named)
