"""How an endpoint fares."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from rest_framework.test import APIClient

from accounts.models import Merchant
from events.writing import written
from tests.webhooks.cast import EndpointFactory, ended, owe
from webhooks import stats
from webhooks.claims import take
from webhooks.exchanges import Failure
from webhooks.models import Delivery, Endpoint, Tally
from webhooks.settling import settle

pytestmark = pytest.mark.django_db

FIVE_MINUTES = timedelta(minutes=5)


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice)


def bucket(ago: timedelta = timedelta(0)) -> datetime:
    """The beginning of the five minutes that this moment lies in."""
    at = datetime.now(UTC) - ago
    return at - (at - datetime(2026, 1, 1, tzinfo=UTC)) % FIVE_MINUTES


def tally(endpoint: Endpoint, ago: timedelta = timedelta(0), error: str = "", **more: int) -> Tally:
    figures = {"tries": 1, "duration_ms": 10, "slowest_ms": 10} | more
    return Tally.objects.create(endpoint=endpoint, since=bucket(ago), error=error, **figures)


def windows(client: APIClient, endpoint: Endpoint) -> dict[str, Any]:
    answer = client.get(f"/v1/webhooks/{endpoint.id}/stats")
    assert answer.status_code == 200
    return {one.pop("window"): one for one in answer.json()["data"]["stats"]["windows"]}


def test_an_endpoint_that_was_never_tried_has_nothing_to_tell(
    as_alice: APIClient, endpoint: Endpoint
) -> None:
    told = as_alice.get(f"/v1/webhooks/{endpoint.id}/stats").json()["data"]["stats"]
    nothing = {
        "attempts": 0,
        "succeeded": 0,
        "failed": 0,
        "errors": {},
        "averageMs": None,
        "slowestMs": None,
    }
    assert told == {
        "webhookId": str(endpoint.id),
        "windows": [
            {"window": name, "since": one["since"], **nothing}
            for name, one in zip(("1h", "24h", "7d"), told["windows"], strict=True)
        ],
        "pending": 0,
        "held": 0,
        "oldestDueAt": None,
    }


def test_tries_are_counted_by_what_came_of_them(as_alice: APIClient, endpoint: Endpoint) -> None:
    tally(endpoint, tries=3, duration_ms=30, slowest_ms=15)
    tally(endpoint, error="timeout", tries=1, duration_ms=15_000, slowest_ms=15_000)
    tally(endpoint, timedelta(minutes=20), error="timeout", tries=2, duration_ms=30_000, slowest_ms=15_001)
    hour = windows(as_alice, endpoint)["1h"]
    del hour["since"]
    assert hour == {
        "attempts": 6,
        "succeeded": 3,
        "failed": 3,
        "errors": {"timeout": 3},
        "averageMs": 7505,
        "slowestMs": 15_001,
    }


@pytest.mark.parametrize(
    ("ago", "inside"),
    [
        (timedelta(minutes=40), {"1h", "24h", "7d"}),
        (timedelta(minutes=70), {"24h", "7d"}),
        (timedelta(hours=23), {"24h", "7d"}),
        (timedelta(hours=25), {"7d"}),
        (timedelta(days=6, hours=23), {"7d"}),
        (timedelta(days=7, hours=1), set()),
    ],
)
def test_each_window_has_what_lies_in_it(
    as_alice: APIClient, endpoint: Endpoint, ago: timedelta, inside: set[str]
) -> None:
    tally(endpoint, ago)
    assert {name for name, one in windows(as_alice, endpoint).items() if one["attempts"]} == inside


def test_a_window_begins_at_full_five_minutes_and_has_them_whole(
    as_alice: APIClient, endpoint: Endpoint
) -> None:
    before = bucket(timedelta(hours=1))
    since = datetime.fromisoformat(windows(as_alice, endpoint)["1h"]["since"])
    assert since in {before, bucket(timedelta(hours=1))}
    first = Tally.objects.create(
        endpoint=endpoint, since=since, error="", tries=1, duration_ms=1, slowest_ms=1
    )
    Tally.objects.create(
        endpoint=endpoint, since=since - FIVE_MINUTES, error="", tries=5, duration_ms=1, slowest_ms=1
    )
    hour = windows(as_alice, endpoint)["1h"]
    # The window may have moved on by five minutes just now.
    assert hour["attempts"] == (1 if hour["since"] == written(first.since) else 0)


def test_tries_whose_end_nobody_saw_count_and_have_no_duration(
    as_alice: APIClient, endpoint: Endpoint
) -> None:
    tally(endpoint, error="abandoned", tries=4, duration_ms=0, slowest_ms=0)
    hour = windows(as_alice, endpoint)["1h"]
    assert (hour["attempts"], hour["errors"]) == (4, {"abandoned": 4})
    assert (hour["averageMs"], hour["slowestMs"]) == (None, None)
    tally(endpoint, tries=2, duration_ms=50, slowest_ms=30)
    hour = windows(as_alice, endpoint)["1h"]
    assert (hour["averageMs"], hour["slowestMs"]) == (25, 30)


def test_another_endpoints_tries_are_not_counted(
    as_alice: APIClient, alice: Merchant, endpoint: Endpoint
) -> None:
    tally(EndpointFactory(merchant=alice))
    assert windows(as_alice, endpoint)["7d"]["attempts"] == 0


def test_settled_tries_are_in_every_window(as_alice: APIClient, endpoint: Endpoint) -> None:
    owe(endpoint, 3)
    first, second, third = take(3)
    settle([(first, ended(first.delivery_id)), (second, ended(second.delivery_id, 500))])
    settle([(third, ended(third.delivery_id, None, Failure.TIMEOUT))])
    for window in windows(as_alice, endpoint).values():
        assert (window["attempts"], window["succeeded"]) == (3, 1)
        assert window["errors"] == {"http_status": 1, "timeout": 1}
        assert (window["averageMs"], window["slowestMs"]) == (12, 12)


def test_what_is_owed_is_counted_and_how_long_the_oldest_waits(
    as_alice: APIClient, endpoint: Endpoint
) -> None:
    held, waits, sent, due, _ = owe(endpoint, 5)
    Delivery.objects.filter(id=held.id).update(state="held", next_attempt_at=None)
    Delivery.objects.filter(id=waits.id).update(next_attempt_at=Now() + timedelta(hours=1))
    Delivery.objects.filter(id=sent.id).update(next_attempt_at="2026-01-01T00:00:00Z")
    Delivery.objects.filter(id=due.id).update(next_attempt_at="2026-01-02T00:00:00Z")
    take(1)
    told = as_alice.get(f"/v1/webhooks/{endpoint.id}/stats").json()["data"]["stats"]
    assert (told["pending"], told["held"]) == (4, 1)
    assert told["oldestDueAt"] == "2026-01-02T00:00:00.000Z"


def test_a_test_that_is_under_way_is_not_held(as_alice: APIClient, endpoint: Endpoint) -> None:
    owe(endpoint)
    Delivery.objects.update(state="held", next_attempt_at=None, trigger="test")
    assert as_alice.get(f"/v1/webhooks/{endpoint.id}/stats").json()["data"]["stats"]["held"] == 0


def test_it_is_counted_only_so_far(as_alice: APIClient, endpoint: Endpoint, monkeypatch) -> None:
    monkeypatch.setattr(stats, "COUNTED", 2)
    owe(endpoint, 3)
    assert as_alice.get(f"/v1/webhooks/{endpoint.id}/stats").json()["data"]["stats"]["pending"] == 2


def test_its_statements_do_not_grow(
    as_alice: APIClient, endpoint: Endpoint, count_statements: Callable[..., int]
) -> None:
    windows(as_alice, endpoint)
    few = count_statements(lambda: windows(as_alice, endpoint))
    for nth in range(20):
        tally(endpoint, nth * FIVE_MINUTES)
    owe(endpoint, 20)
    assert count_statements(lambda: windows(as_alice, endpoint)) == few


def test_a_strangers_and_a_deleted_endpoints_are_not_told(
    as_alice: APIClient, as_bob: APIClient, endpoint: Endpoint
) -> None:
    path = f"/v1/webhooks/{endpoint.id}/stats"
    assert as_bob.get(path).json()["errors"][0]["code"] == "webhook_not_found"
    Endpoint.objects.update(deleted_at=Now())
    assert as_alice.get(path).status_code == 404


def test_tallies_that_no_window_reaches_are_deleted_so_many_at_a_time(endpoint: Endpoint) -> None:
    kept = tally(endpoint, timedelta(days=7, hours=23))
    for nth in range(3):
        tally(endpoint, timedelta(days=8, hours=1) + nth * FIVE_MINUTES)
    assert [stats.forget(2), stats.forget(2), stats.forget(2)] == [2, 1, 0]
    assert Tally.objects.get() == kept
