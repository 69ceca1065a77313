"""Recoveries over REST."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models.functions import Now
from rest_framework.test import APIClient

from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory
from tests.webhooks.test_recovering import ended_as, recovery, to_its_end, told
from webhooks import recovering
from webhooks.models import Endpoint, Recovery
from webhooks.recovering import advance

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch) -> None:
    monkeypatch.setattr(recovering, "BATCH", 4)


def begin(client: APIClient, endpoint: Endpoint, **body: Any) -> Any:
    return client.post(f"/v1/webhooks/{endpoint.id}/recover", body, format="json")


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_over_rest_it_is_begun_seen_and_cancelled(as_alice: APIClient, endpoint: Endpoint) -> None:
    ended_as(endpoint, "exhausted", 6)
    answer = begin(as_alice, endpoint, since="2026-01-01T00:00:00+07:00")
    made = answer.json()["data"]["recovery"]
    assert answer.status_code == 202
    assert made == {
        "recoveryId": made["recoveryId"],
        "webhookId": str(endpoint.id),
        "since": "2025-12-31T17:00:00.000Z",
        "until": made["until"],
        "states": ["exhausted", "pending"],
        "state": "running",
        "examined": 0,
        "recovered": 0,
        "recoveredUntil": None,
        "createdAt": made["createdAt"],
        "finishedAt": None,
    }
    advance()
    path = f"/v1/recoveries/{made['recoveryId']}"
    seen = as_alice.get(path).json()["data"]["recovery"]
    assert (seen["state"], seen["examined"], seen["recovered"]) == ("running", 4, 4)
    assert seen["recoveredUntil"] is not None
    for _ in range(2):
        cancelled = as_alice.post(f"{path}/cancel")
        assert (cancelled.status_code, cancelled.json()["data"]["recovery"]["state"]) == (200, "cancelled")
    assert not advance()
    assert endpoint.deliveries.filter(state="exhausted").count() == 2


def test_one_that_is_done_stays_done_when_it_is_cancelled(as_alice: APIClient, endpoint: Endpoint) -> None:
    made = recovery(endpoint)
    to_its_end()
    answer = as_alice.post(f"/v1/recoveries/{made.id}/cancel").json()["data"]["recovery"]
    assert answer["state"] == "done"


def test_an_until_in_the_future_is_now(as_alice: APIClient, endpoint: Endpoint) -> None:
    made = begin(as_alice, endpoint, since="2026-01-01", until="2100-01-01").json()["data"]["recovery"]
    assert made["until"] <= made["createdAt"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"since": "yesterday"},
        {"since": 5},
        {"since": "2100-01-01T00:00:00Z"},
        {"since": "2026-02-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"},
        {"since": "2026-02-01T00:00:00Z", "states": []},
        {"since": "2026-02-01T00:00:00Z", "states": ["held"]},
        {"since": "2026-02-01T00:00:00Z", "states": "exhausted"},
        {"since": "2026-02-01T00:00:00Z", "colour": "red"},
        {"since": "0001-01-01T00:00:00+23:59"},
    ],
)
def test_a_bad_body_is_refused(as_alice: APIClient, endpoint: Endpoint, body: dict) -> None:
    assert error_of(begin(as_alice, endpoint, **body)) == (400, "validation_error")
    assert not Recovery.objects.exists()


def test_ten_of_an_endpoint_are_enough_at_once(
    as_alice: APIClient, alice: Merchant, endpoint: Endpoint
) -> None:
    since = "2026-01-01T00:00:00Z"
    for _ in range(10):
        assert begin(as_alice, endpoint, since=since).status_code == 202
    assert error_of(begin(as_alice, endpoint, since=since)) == (409, "recovery_conflict")
    assert begin(as_alice, EndpointFactory(merchant=alice), since=since).status_code == 202
    to_its_end()
    assert begin(as_alice, endpoint, since=since).status_code == 202


def test_nobody_elses_and_no_deleted_endpoint_is_recovered(
    as_alice: APIClient, as_bob: APIClient, endpoint: Endpoint
) -> None:
    made = recovery(endpoint)
    for answer in (
        as_bob.get(f"/v1/recoveries/{made.id}"),
        as_bob.post(f"/v1/recoveries/{made.id}/cancel"),
    ):
        assert error_of(answer) == (404, "recovery_not_found")
    assert error_of(begin(as_bob, endpoint, since="2026-01-01")) == (404, "webhook_not_found")
    Endpoint.objects.update(deleted_at=Now())
    assert error_of(begin(as_alice, endpoint, since="2026-01-01")) == (404, "webhook_not_found")
    assert as_alice.get(f"/v1/recoveries/{made.id}").status_code == 200
    assert told(made)[0] == "running"


def test_a_worker_is_asked_once_it_is_committed(
    as_alice: APIClient, endpoint: Endpoint, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        begin(as_alice, endpoint, since="2026-01-01")
    assert [callback.args[0].name for callback in callbacks] == ["webhooks.recover"]
