"""How often a key may call a route, and what its answers say of it."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from limits import RateLimitItemPerHour
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import counting, throttling
from accounts.models import ApiKey, Merchant
from accounts.throttling import rate_of
from config import urls

NAMES = ("Limit", "Remaining", "Reset")


@pytest.fixture(autouse=True)
def _one_window(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The window does not end during a test."""
    monkeypatch.setattr(throttling, "_item", RateLimitItemPerHour)
    counting.counter.cache_clear()
    yield
    counting.counter.cache_clear()


@pytest.fixture
def limited(alice: Merchant) -> Callable[[str], None]:
    """Alice may call so often."""

    def limit(rate: str) -> None:
        alice.api_rate_limit = rate
        alice.save()

    return limit


def left(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("RateLimit-Remaining")


def test_answers_count_down_to_a_429(as_alice: APIClient, limited: Callable[[str], None]) -> None:
    limited("2")
    answers = [as_alice.get("/v1/trackers") for _ in range(4)]
    assert [left(one) for one in answers] == [(200, "1"), (200, "0"), (429, "0"), (429, "0")]
    assert answers[2].json()["errors"][0]["code"] == "too_many_requests"
    assert answers[2]["Retry-After"] == "1"
    assert "Retry-After" not in answers[1]


def test_the_headers_hold_seconds_and_a_moment(as_alice: APIClient) -> None:
    before = time.time()
    answer = as_alice.get("/v1/trackers")
    assert [answer[f"RateLimit-{name}"] for name in NAMES] == ["100", "99", "1"]
    assert [answer[f"X-RateLimit-{name}"] for name in NAMES[:2]] == ["100", "99"]
    assert before < int(answer["X-RateLimit-Reset"]) <= time.time() + 2


def test_an_error_says_what_is_left_too(as_alice: APIClient) -> None:
    assert left(as_alice.get("/v1/trackers/none")) == (404, "99")
    assert left(as_alice.post("/v1/trackers", {}, format="json")) == (400, "99")


def test_reading_and_writing_are_counted_apart_and_both_prefixes_together(
    as_alice: APIClient, limited: Callable[[str], None]
) -> None:
    limited("5")
    as_alice.get("/v1/trackers")
    assert left(as_alice.post("/v1/trackers", {}, format="json")) == (400, "4")
    assert left(as_alice.get("/public/v1/trackers")) == (200, "3")
    assert left(as_alice.options("/v1/trackers")) == (200, "2")


def test_two_trackers_are_one_route(as_alice: APIClient) -> None:
    assert left(as_alice.get("/v1/trackers/one/results")) == (404, "99")
    assert left(as_alice.get("/v1/trackers/two/results")) == (404, "98")


def test_keys_are_counted_apart(as_alice: APIClient, alice: Merchant, limited: Callable[[str], None]) -> None:
    limited("1")
    as_alice.get("/v1/trackers")
    other = APIClient(HTTP_AUTHORIZATION=f"Bearer {ApiKey.issue(alice)[1]}")
    assert left(other.get("/v1/trackers")) == (200, "0")
    assert as_alice.get("/v1/trackers").status_code == 429


def test_a_refused_call_does_nothing(as_alice: APIClient, limited: Callable[[str], None]) -> None:
    limited("1")
    body = {"trackingNumber": "SHIP24_SAMPLE_PENDING_000"}
    as_alice.post("/v1/trackers", {}, format="json")
    assert as_alice.post("/v1/trackers", body, format="json").status_code == 429
    assert as_alice.get("/v1/trackers").json()["data"]["trackers"] == []


def test_off_counts_nothing(as_alice: APIClient, settings: Settings) -> None:
    settings.API_RATE_LIMIT = "off"
    assert left(as_alice.get("/v1/trackers")) == (200, None)


def test_a_merchants_own_limit_comes_first(
    as_alice: APIClient, as_bob: APIClient, settings: Settings, limited: Callable[[str], None]
) -> None:
    settings.API_RATE_LIMIT = "ship24"
    limited("default")
    assert as_alice.get("/v1/trackers")["RateLimit-Limit"] == "100"
    assert as_bob.get("/v1/trackers")["RateLimit-Limit"] == "10"


@pytest.mark.parametrize(
    ("policy", "route", "rate"),
    [
        ("default", "GET couriers", 100),
        ("ship24", "POST trackers", 10),
        ("ship24", "POST trackers/bulk", 3),
        ("ship24", "POST trackers/{}/webhook-events/resend", 1),
        ("ship24", "GET couriers", 1),
        ("ship24", "all24", 10),
        ("off", "GET couriers", None),
        ("7", "GET couriers", 7),
    ],
)
def test_policies(policy: str, route: str, rate: int | None) -> None:
    assert rate_of(policy, route) == rate


def test_without_redis_calls_pass_uncounted(as_alice: APIClient, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert left(as_alice.get("/v1/trackers")) == (200, None)


def test_every_figure_of_ship24_is_for_a_route_that_there_is() -> None:
    served = {re.sub(r"<[^>]*>", "{}", str(pattern.pattern)) for pattern in urls.api}
    assert {route.partition(" ")[2] for route in throttling.SHIP24} <= served
