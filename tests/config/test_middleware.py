"""What every request passes."""

import pytest
from django.test import Client
from rest_framework.test import APIClient


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
