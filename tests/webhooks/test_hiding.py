"""Secrets that a subscriber sends back are not kept."""

import json
from collections.abc import Iterator

import pytest

from accounts.models import Merchant
from tests.subscribers import Handler, Subscriber, status, subscriber
from tests.webhooks.cast import EndpointFactory, attempts_of, owe
from webhooks import pump
from webhooks.answers import BODY_KEPT, HEADER_KEPT
from webhooks.hiding import Secrets
from webhooks.models import Endpoint

TOKEN = "Bearer TOPSECRET/42"


@pytest.fixture
def server(settings) -> Iterator[Subscriber]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with subscriber() as running:
        yield running


def own(server: Subscriber, alice: Merchant, **headers: str) -> Endpoint:
    return EndpointFactory(merchant=alice, url=server.url(), headers=json.dumps(headers))


@pytest.mark.django_db
def test_what_an_echo_gives_away_is_hidden_in_body_and_headers(alice: Merchant, server: Subscriber) -> None:
    endpoint = own(server, alice, Authorization=TOKEN)

    def echo(handler: Handler) -> None:
        said = handler.headers["authorization"]
        body = f"{said} is wrong, and so is {endpoint.secret}".encode()
        status(401, {"X-Echo": f"got {said}", "X-Other": "kept"}, body)(handler)

    server.answer("/hook", echo)
    (delivery,) = owe(endpoint)
    pump.run(5)
    (attempt,) = attempts_of(delivery)
    assert attempt.response_body == "[hidden] is wrong, and so is [hidden]"
    assert attempt.response_headers["x-echo"] == "got [hidden]"
    assert attempt.response_headers["x-other"] == "kept"


@pytest.mark.django_db
def test_a_secret_across_the_limit_of_what_is_kept_is_not_kept_in_part(
    alice: Merchant, server: Subscriber
) -> None:
    long = "TOPSECRET" * 300
    endpoint = own(server, alice, Authorization=TOKEN, **{"X-Long": long})
    body = b"x" * (BODY_KEPT - 8) + TOKEN.encode()
    server.answer("/hook", status(500, {"X-Echo": long, "X-Late": "x" * (HEADER_KEPT - 8) + long}, body))
    (delivery,) = owe(endpoint)
    pump.run(5)
    (attempt,) = attempts_of(delivery)
    assert attempt.response_body == "x" * (BODY_KEPT - 8) + "[hidden]"
    assert attempt.response_headers["x-echo"] == "[hidden]"
    assert attempt.response_headers["x-late"] == "x" * (HEADER_KEPT - 8) + "[hidden]"


@pytest.mark.django_db
def test_hiding_does_not_touch_what_the_schedule_reads(alice: Merchant, server: Subscriber) -> None:
    endpoint = own(server, alice, **{"X-Number": "7200"})
    server.answer("/hook", status(429, {"Retry-After": "7200"}))
    (delivery,) = owe(endpoint)
    pump.run(5)
    delivery.refresh_from_db()
    assert (delivery.next_attempt_at - delivery.started_at).total_seconds() >= 7200
    assert attempts_of(delivery)[0].response_headers["retry-after"] == "[hidden]"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (b"Bearer TOPSECRET/42", b"[hidden]"),
        (b"no TOPSECRET/42 here", b"no [hidden] here"),
        (b"bearer topsecret/42", b"[hidden]"),
        (rb'{"got": "Bearer TOPSECRET\/42"}', b'{"got": "[hidden]"}'),
        (rb'{"got": "say \"hi\""}', b'{"got": "[hidden]"}'),
        (b"whsec_AbCd1234=", b"[hidden]"),
        (b"AbCd1234= and AbCd1234=", b"[hidden] and [hidden]"),
        (b"abc is too short", b"abc is too short"),
        (b"Bearer of news", b"Bearer of news"),
        (b"\xff\x00TOPSECRET/42", b"\xff\x00[hidden]"),
        (b"", b""),
    ],
)
def test_every_form_of_a_secret_is_hidden(said: bytes, kept: bytes) -> None:
    assert Secrets("whsec_AbCd1234=", [TOKEN, "abc", 'say "hi"']).hide(said) == kept
