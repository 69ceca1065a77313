"""What every request passes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import ApiKey, Merchant
from tests.docs.documents import assert_like


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


def test_a_body_of_http_2_is_asked_for_with_its_length_too(as_alice: APIClient) -> None:
    """There it needs none, and Django would read nothing of it."""
    given = {"wsgi.input": BytesIO(b'{"trackingNumber": "12345"}'), "SERVER_PROTOCOL": "HTTP/2"}
    kind = {"CONTENT_TYPE": "application/json"}
    answer = as_alice.generic("POST", "/v1/trackers", **given, **kind)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (411, "validation_error")
    answer = as_alice.generic("GET", "/v1/trackers", **given)
    assert answer.status_code == 200


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


class Stalled(BytesIO):
    """A body that does not come before it is let."""

    def __init__(self) -> None:
        super().__init__(b"x" * 10)
        self.asked, self.let = threading.Event(), threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self.asked.set()
        assert self.let.wait(60)
        return super().read(size)


def form(path: str, body: BytesIO) -> int:
    """A form with a CSRF cookie, for which Django looks into the body."""
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    kind = "application/x-www-form-urlencoded"
    return client.generic(
        "POST", path, content_type=kind, **{"wsgi.input": body, "CONTENT_LENGTH": "10"}
    ).status_code


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/v1/openapi.json", "/admin/login/"])
def test_strangers_forms_that_do_not_come_hold_a_quarter_of_the_threads_at_most(
    path: str, settings: Settings
) -> None:
    settings.WEB_THREADS = 8
    held = [Stalled(), Stalled()]
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(form, path, one) for one in held]
        assert all(one.asked.wait(60) for one in held)
        further = Stalled()
        further.let.set()
        assert form(path, further) == 503
        assert not further.asked.is_set()
        for one in held:
            one.let.set()
        assert [one.result() for one in waiting] == [403, 403]


@pytest.mark.parametrize(
    ("query", "host"), [("&".join("a=1" for _ in range(1001)), "testserver"), ("", "stranger.example")]
)
def test_what_django_itself_refuses_has_the_envelope_too(
    as_alice: APIClient, settings: Settings, query: str, host: str
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    answer = as_alice.get(f"/v1/trackers?{query}", headers={"host": host})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "validation_error")


@pytest.fixture
def https_only(settings: Settings) -> None:
    settings.HTTPS_ONLY = True


@pytest.mark.usefixtures("https_only")
@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/trackers", {"errors": [{"code": "https_required", "message": "…"}], "data": None}),
        ("/public/v1/no-such-route", {"errors": [{"code": "https_required", "message": "…"}], "data": None}),
        ("/v1/tracking/orders", {"response_code": 403, "error_codes": ["https_required"]}),
        ("/api/Order/v1/Tracking", {"errorCode": "EXCEPTION", "errorMessage": "…"}),
    ],
)
def test_a_call_over_plain_http_fails_in_the_shape_of_its_route(
    client: Client, path: str, shape: dict[str, object]
) -> None:
    answer = client.get(path, headers={"x-request-id": "mine"})
    assert (answer.status_code, answer["x-request-id"]) == (403, "mine")
    assert "Location" not in answer
    assert "https" in answer.content.decode().lower()
    assert_like(shape, answer.json())


@pytest.mark.usefixtures("https_only")
def test_probes_are_answered_over_plain_http(client: Client, db: None) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json()["checks"]["database"]["ok"]


@pytest.mark.usefixtures("https_only")
def test_the_proxy_says_which_scheme_it_was_called_with(as_alice: APIClient, settings: Settings) -> None:
    assert as_alice.get("/v1/trackers", headers={"x-scheme": "https"}).status_code == 403
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_SCHEME", "https")
    assert as_alice.get("/v1/trackers", headers={"x-scheme": "https"}).status_code == 200
    assert as_alice.get("/v1/trackers", headers={"x-scheme": "http"}, secure=True).status_code == 403
    assert as_alice.get("/v1/trackers", secure=True).status_code == 200


def test_plain_http_is_taken_in_development(as_alice: APIClient) -> None:
    assert as_alice.get("/v1/trackers").status_code == 200


@pytest.mark.usefixtures("https_only")
def test_shoppers_are_led_to_their_page(client: Client) -> None:
    answer = client.get("/track/no-token?lang=th")
    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/track/no-token?lang=th")
    assert client.post("/track/no-token").status_code == 403
