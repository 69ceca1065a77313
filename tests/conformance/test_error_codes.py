"""Every code that Ship24's documents and clients know can be met, by the request that its name promises."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from rest_framework.test import APIClient

from accounts.models import Merchant
from tests.conformance.shapes import faults
from tests.polled import poll_due
from tests.waiting import eventually
from trackers.models import Tracker

pytestmark = pytest.mark.django_db

NUMBER = "SHIP24_SAMPLE_DELIVERED_000"
Request = Callable[[APIClient], HttpResponse]


def post(client: APIClient, path: str, body: Any, **headers: str) -> HttpResponse:
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post(f"/v1/{path}", text, content_type="application/json", headers=headers)


def create(client: APIClient, **more: Any) -> HttpResponse:
    return post(client, "trackers", {"trackingNumber": NUMBER, **more})


def another_payload(client: APIClient) -> HttpResponse:
    create(client, clientTrackerId="mine")
    return create(client, clientTrackerId="mine", orderNumber="1002")


def what_is_frozen(client: APIClient) -> HttpResponse:
    create(client, clientTrackerId="mine")
    poll_due()
    path = "/v1/trackers/mine?searchBy=clientTrackerId"
    return client.patch(path, {"originCountryCode": "FR"}, format="json")


def one_too_many(client: APIClient) -> HttpResponse:
    Merchant.objects.update(tracker_limit=1)
    create(client)
    return create(client, orderNumber="1002")


def resend_to_nobody(client: APIClient) -> HttpResponse:
    tracker = create(client).json()["data"]["tracker"]["trackerId"]
    return client.post(f"/v1/trackers/{tracker}/webhook-events/resend")


def search(client: APIClient, number: str) -> HttpResponse:
    return post(client, "tracking/search", {"trackingNumber": number})


def with_header(value: str) -> Request:
    return lambda _: APIClient().get("/v1/trackers", headers={"Authorization": value})


def in_flight(client: APIClient) -> HttpResponse:
    """The same key again, while the first call waits for its carrier."""
    body, key = {"trackingNumber": NUMBER}, {"Idempotency-Key": "k"}

    def track() -> HttpResponse:
        try:
            return post(client, "trackers/track", body, **key)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(track)
        try:
            eventually(Tracker.objects.exists)
            second = post(client, "trackers/track", body, **key)
        finally:
            poll_due()
        assert first.result(120).status_code == 200
    assert second["Retry-After"]
    return second


#: Code to status and request.
CODES: dict[str, tuple[int, Request]] = {
    "validation_error": (400, lambda client: create(client, courierCode=5)),
    "missing_mandatory_field": (400, lambda client: post(client, "trackers", {"title": "Shoes"})),
    "parsing_error": (400, lambda client: post(client, "trackers", "{")),
    "shipping_date_outdated": (400, lambda client: create(client, shippingDate="2020-01-01")),
    "tracker_conflict": (400, another_payload),
    "tracker_not_updatable": (400, what_is_frozen),
    "webhook_url_missing": (400, resend_to_nobody),
    "processing_error": (400, lambda client: post(client, "trackers/bulk", [{"title": "Shoes"}])),
    "bulk_create_limit_exceeded": (403, lambda client: post(client, "trackers/bulk", [{}] * 101)),
    "quota_limit_reached": (403, one_too_many),
    "no_active_subscription": (422, lambda client: search(client, "12345")),
    "parcel_not_found": (404, lambda client: search(client, "SHIP24_SAMPLE_PENDING_000")),
    "tracker_not_found": (404, lambda client: client.get("/v1/trackers/unknown")),
    "auth_missing_header": (400, lambda _: APIClient().get("/v1/trackers")),
    "auth_invalid_header": (400, with_header("Basic YTpi")),
    "auth_invalid_api_key": (401, with_header("Bearer apik_unknown")),
}


def codes_in(answer: HttpResponse) -> list[str]:
    """The codes of an error answer, in Ship24's envelope or in that of its bulk."""
    told = answer.json()
    if "errors" in told:
        assert faults(told, "error") == []
        return [one["code"] for one in told["errors"]]
    assert faults(told, "bulk") == []
    return [told["error"]["code"]]


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_met_where_its_name_says(as_alice: APIClient, code: str) -> None:
    status, request = CODES[code]
    answer = request(as_alice)
    assert (answer.status_code, codes_in(answer)) == (status, [code]), answer.content


@pytest.mark.django_db(transaction=True)
def test_request_conflict_is_met_by_the_same_call_at_once(as_alice: APIClient) -> None:
    assert codes_in(in_flight(as_alice)) == ["request_conflict"]
