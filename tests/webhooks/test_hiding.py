"""Secrets that a subscriber sends back are not kept."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from accounts.models import Merchant
from tests.subscribers import Handler, Subscriber, status
from tests.webhooks.cast import EndpointFactory, attempts_of, owe
from webhooks import pump
from webhooks.answers import BODY_KEPT, HEADER_KEPT
from webhooks.hiding import Secrets
from webhooks.keyring import OldSecret, written_old
from webhooks.models import Endpoint
from webhooks.signing import new_private_key, new_secret

TOKEN = "Bearer TOPSECRET/42"


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
    pump.run(60)
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
    pump.run(60)
    (attempt,) = attempts_of(delivery)
    assert attempt.response_body == "x" * (BODY_KEPT - 8) + "[hidden]"
    assert attempt.response_headers["x-echo"] == "[hidden]"
    assert attempt.response_headers["x-late"] == "x" * (HEADER_KEPT - 8) + "[hidden]"


@pytest.mark.django_db
def test_hiding_does_not_touch_what_the_schedule_reads(alice: Merchant, server: Subscriber) -> None:
    endpoint = own(server, alice, **{"X-Number": "7200"})
    server.answer("/hook", status(429, {"Retry-After": "7200"}))
    (delivery,) = owe(endpoint)
    pump.run(60)
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
        (b"whsec_AbCd1234", b"[hidden]"),
        (b"AbCd1234 and AbCd1234", b"[hidden] and [hidden]"),
        (b"abc is too short", b"abc is too short"),
        (b"Bearer of news", b"Bearer of news"),
        (b"\xff\x00TOPSECRET/42", b"\xff\x00[hidden]"),
        (b"", b""),
    ],
)
def test_every_form_of_a_secret_is_hidden(said: bytes, kept: bytes) -> None:
    assert Secrets(["whsec_AbCd1234"], [TOKEN, "abc", 'say "hi"']).hide(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        rb'{"got": "a\u002Bb\u0026c\u003Cd\u0027e"}',
        rb"""{"got": "a+b\u0026c\u003cd'e"}""",
        rb'{"got": "a+b\u0026c\u003cd\u0027e"}',
        b"<p>a+b&amp;c&lt;d&#x27;e</p>",
        b"<p>a+b&amp;c&lt;d&#39;e</p>",
        b"<p>a+b&amp;c&lt;d&#039;e</p>",
        b"/?token=a%2Bb%26c%3Cd%27e&more",
    ],
)
def test_a_value_is_hidden_as_frameworks_escape_it(said: bytes) -> None:
    kept = Secrets([], ["a+b&c<d'e"]).hide(said)
    assert b"[hidden]" in kept
    assert b"a+b" not in kept
    assert b"c" not in kept.replace(b"token", b"")


def test_of_secrets_that_overlap_nothing_is_left() -> None:
    hidden = Secrets([], ["TOP-SECRET", "SECRET-42"])
    assert hidden.hide(b"top-secret-42, TOP-SECRET-SECRET-42") == b"[hidden], [hidden]-[hidden]"


KEY = base64.b64decode("+/+/" * 10 + "AAA=")
PAIR = bytes(range(200, 232)) + bytes(range(32))


@pytest.mark.parametrize("form", [base64.b64encode, base64.urlsafe_b64encode, lambda key: key.hex().encode()])
@pytest.mark.parametrize(("prefix", "key"), [("whsec_", KEY), ("whsk_", PAIR)])
def test_a_key_is_hidden_as_programs_print_it(
    prefix: str, key: bytes, form: Callable[[bytes], bytes]
) -> None:
    hidden = Secrets([prefix + base64.b64encode(key).decode()], [])
    for said in (form(key), form(key).rstrip(b"="), form(key[:32]).rstrip(b"=")):
        kept = hidden.hide(b"<" + said + b">")
        assert kept.replace(b"=", b"") == b"<[hidden]>"
        assert hidden.hide(b"<" + said.upper() + b">") == kept


def test_a_key_is_hidden_within_a_url() -> None:
    secret = "whsec_" + base64.b64encode(KEY).decode()
    kept = Secrets([secret], []).hide(f"/?secret={quote(secret, safe='')}&more".encode())
    assert kept == b"/?secret=[hidden]&more"


@pytest.mark.django_db
def test_old_secrets_are_hidden_too(alice: Merchant) -> None:
    keys = [new_secret(), new_private_key(), new_secret()]
    now = datetime.now(UTC)
    old = [OldSecret(keys[1], now + timedelta(hours=1)), OldSecret(keys[2], now - timedelta(hours=1))]
    endpoint = EndpointFactory(merchant=alice, secret=keys[0], old_secrets=written_old(old))
    said = " ".join(keys).encode()
    assert Endpoint.objects.get(id=endpoint.id).secrets.hide(said) == b"[hidden] [hidden] [hidden]"


@pytest.mark.parametrize("make", [new_secret, new_private_key])
def test_whatever_would_be_hidden_is_seen_at_a_glance(make: Callable[[], str]) -> None:
    hidden = Secrets(
        [make(), "whsec_" + base64.b64encode(KEY).decode()], [TOKEN, "a+b&c<d'e", 'say "hi"', "x" * 4_000]
    )
    assert not hidden.are_in(b"<html>nothing of it</html>")
    for form in hidden._forms:
        assert hidden.are_in(b"<" + form.upper() + b">")


def test_a_glance_sees_each_of_very_many_secrets() -> None:
    values = [f"value-number-{number}/+" for number in range(60)]
    hidden = Secrets([], values)
    assert all(hidden.are_in(b"said " + value.encode()) for value in values)
    assert not hidden.are_in(b"value-number")
