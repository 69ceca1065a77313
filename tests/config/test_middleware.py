"""What every request passes."""

from io import BytesIO

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import ApiKey, Merchant


def test_a_callers_request_id_comes_back(client: Client) -> None:
    assert client.get("/healthz", headers={"x-request-id": "abc-1.2_3"})["x-request-id"] == "abc-1.2_3"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "ä"])
def test_a_request_id_that_is_no_token_is_replaced(client: Client, given: str) -> None:
    answered = client.get("/healthz", headers={"x-request-id": given})["x-request-id"]
    assert answered != given
    assert len(answered) == 36


def test_a_body_in_chunks_is_asked_for_with_its_length(as_alice: APIClient) -> None:
    answer = as_alice.post(
        "/v1/trackers",
        {"trackingNumber": "12345"},
        format="json",
        headers={"transfer-encoding": "chunked"},
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (411, "validation_error")


def unread_bytes(client: Client, **headers: str) -> int:
    """How much of a body of two megabytes is left after its refusal."""
    body = BytesIO(b"x" * 2_000_000)
    answer = client.generic(
        "POST",
        "/v1/trackers",
        content_type="application/json",
        headers=headers,
        **{"wsgi.input": body, "CONTENT_LENGTH": "2000000"},
    )
    assert answer.status_code == 413
    return len(body.read())


def test_a_large_body_is_read_away_for_a_caller_with_a_good_key_only(client: Client, alice: Merchant) -> None:
    _, key = ApiKey.issue(alice)
    assert unread_bytes(client, authorization=f"Bearer {key}") == 0
    assert unread_bytes(client) == unread_bytes(client, authorization="Bearer nobody") == 2_000_000
