"""The file of what was pushed about one parcel."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.http import HttpResponse
from rest_framework.test import APIClient

from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory, due_now, ended, owe
from tests.webhooks.test_claims import lose_leases
from webhooks import history
from webhooks.claims import take
from webhooks.exchanges import Failure
from webhooks.models import Attempt, Endpoint
from webhooks.settling import settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice, url="https://shop.example/hook")


@pytest.fixture
def tracker(as_alice: APIClient, endpoint: Endpoint) -> str:
    """A parcel that alice's endpoint is owed one message of."""
    body = {"trackingNumber": "SHIP24_SAMPLE_PENDING_000", "clientTrackerId": "mine"}
    return str(as_alice.post("/v1/trackers", body, format="json").json()["data"]["tracker"]["trackerId"])


def end(code: int | None = 200, failure: Failure | None = None) -> None:
    """Try everything that is owed once."""
    due_now(*(each.delivery for each in Attempt.objects.select_related("delivery")))
    settle([(each, ended(each.delivery_id, code, failure, server="nginx")) for each in take(100)])


def download(client: APIClient, tracker_id: str, query: str = "") -> HttpResponse:
    return client.get(f"/v1/trackers/{tracker_id}/webhook-history/download{query}")


def file_of(client: APIClient, tracker_id: str) -> dict[str, Any]:
    answer = download(client, tracker_id)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_every_try_is_a_push_the_newest_first(as_alice: APIClient, tracker: str) -> None:
    end(503)
    end()
    file = file_of(as_alice, tracker)
    newest, oldest = file["webhooks"]
    assert newest | {"pushTimestamp": "", "requestBody": {}} == {
        "status": "success",
        "pushTimestamp": "",
        "requestBody": {},
        "responseBody": "answer",
        "responseHeaders": {"server": "nginx"},
        "responseStatusCode": "200",
        "webhookUrl": "https://shop.example/hook",
    }
    assert (oldest["status"], oldest["responseStatusCode"]) == ("failed", "503")
    assert newest["requestBody"] == oldest["requestBody"]
    assert newest["requestBody"]["trackings"][0]["tracker"]["trackerId"] == tracker
    assert file["metadata"] == {
        "trackingNumber": "SHIP24_SAMPLE_PENDING_000",
        "trackerId": tracker,
        "clientTrackerId": "mine",
        "webhookUrl": "https://shop.example/hook",
        "lastSuccessfulPushAt": newest["pushTimestamp"],
        "lastFailedPushAt": oldest["pushTimestamp"],
    }


def test_what_was_not_tried_yet_is_left_out(as_alice: APIClient, tracker: str) -> None:
    file = file_of(as_alice, tracker)
    assert file["webhooks"] == []
    metadata = file["metadata"]
    assert metadata["webhookUrl"] == "https://shop.example/hook"
    assert (metadata["lastSuccessfulPushAt"], metadata["lastFailedPushAt"]) == (None, None)


def test_without_any_endpoint_there_is_no_url(as_alice: APIClient) -> None:
    body = {"trackingNumber": "SHIP24_SAMPLE_PENDING_001"}
    created = as_alice.post("/v1/trackers", body, format="json").json()["data"]["tracker"]
    assert file_of(as_alice, created["trackerId"])["metadata"]["webhookUrl"] is None


@pytest.mark.parametrize("cut_off", [True, False])
def test_a_try_without_an_answer_has_failed(as_alice: APIClient, tracker: str, cut_off: bool) -> None:
    if cut_off:
        take(1)
        lose_leases()
        take(1)
    else:
        settle([(each, ended(each.delivery_id, None, Failure.DNS_ERROR)) for each in take(1)])
        Attempt.objects.update(response_body="")
    (push,) = file_of(as_alice, tracker)["webhooks"]
    assert (push["status"], push["responseStatusCode"], push["responseBody"]) == ("failed", None, None)


def test_it_comes_as_a_file_whose_name_is_safe(as_alice: APIClient, endpoint: Endpoint) -> None:
    body = {"trackingNumber": "../a/B_1.2-3", "clientTrackerId": 'x"; y\r\n'}
    created = as_alice.post("/v1/trackers", body, format="json").json()["data"]["tracker"]
    before = datetime.now(UTC)
    answer = download(as_alice, created["trackerId"])
    days = {f"{day:%Y%m%d}" for day in (before, datetime.now(UTC))}
    assert answer["Content-Disposition"] in {
        f'attachment; filename="webhook-history-.._a_B_1.2-3-{day}.json"' for day in days
    }
    assert answer["Access-Control-Expose-Headers"] == "Content-Disposition"
    assert answer["Content-Type"] == "application/json"


def test_it_is_found_by_the_merchants_own_id_and_by_nobody_else(
    as_alice: APIClient, as_bob: APIClient, tracker: str
) -> None:
    assert download(as_alice, "mine", "?searchBy=clientTrackerId").status_code == 200
    for client, id_ in ((as_bob, tracker), (as_alice, "mine")):
        assert download(client, id_).json()["errors"][0]["code"] == "tracker_not_found"


def test_no_other_parcels_pushes_are_in_it(as_alice: APIClient, tracker: str, endpoint: Endpoint) -> None:
    owe(endpoint, 3)
    end()
    assert len(file_of(as_alice, tracker)["webhooks"]) == 1


def test_a_test_of_the_endpoint_is_no_push_of_a_parcel(
    as_alice: APIClient, tracker: str, endpoint: Endpoint
) -> None:
    assert as_alice.post(f"/v1/webhooks/{endpoint.id}/test").status_code == 202
    end()
    assert set(Attempt.objects.values_list("trigger", flat=True)) == {"schedule", "test"}
    (push,) = file_of(as_alice, tracker)["webhooks"]
    assert push["requestBody"]["type"] == "tracker.created"


def test_a_try_by_hand_is_a_push(as_alice: APIClient, tracker: str) -> None:
    end(500)
    as_alice.post(f"/v1/deliveries/{Attempt.objects.get().delivery_id}/resend")
    settle([(each, ended(each.delivery_id)) for each in take(100)])
    assert [push["status"] for push in file_of(as_alice, tracker)["webhooks"]] == ["success", "failed"]


def test_it_is_bounded_and_its_ends_are_those_of_all(
    as_alice: APIClient, tracker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "LIMIT", 2)
    for code in (200, 500, 500, 500):
        as_alice.post(f"/v1/trackers/{tracker}/webhook-events/resend")
        end(code)
        Attempt.objects.update(started_at=F("started_at") - timedelta(hours=1))
    file = file_of(as_alice, tracker)
    assert [push["status"] for push in file["webhooks"]] == ["failed", "failed"]
    assert file["metadata"]["lastSuccessfulPushAt"] is not None


def test_its_statements_do_not_grow_and_no_secret_is_read(
    as_alice: APIClient, alice: Merchant, tracker: str, count_statements: Callable[..., int]
) -> None:
    end(500)
    few = count_statements(lambda: file_of(as_alice, tracker))
    for _ in range(3):
        EndpointFactory(merchant=alice)
        as_alice.post(f"/v1/trackers/{tracker}/webhook-events/resend")
        end(500)
    assert len(file_of(as_alice, tracker)["webhooks"]) > 4
    assert count_statements(lambda: file_of(as_alice, tracker)) == few
    secrets = Endpoint.objects.values_list("secret", flat=True)
    assert not any(secret in str(file_of(as_alice, tracker)) for secret in secrets)


def test_a_push_whose_message_was_deleted_a_moment_ago_is_still_told(
    as_alice: APIClient, tracker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    end()
    monkeypatch.setattr(history, "_bodies", lambda _: {})
    assert [one["requestBody"] for one in file_of(as_alice, tracker)["webhooks"]] == [None]
