"""Deliveries as a stranger's code verifies them: what the API told, and the bytes that came in."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rest_framework.test import APIClient
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.subscribers import Heard, Subscriber, status, subscriber
from tests.webhooks.cast import due_now, owe
from webhooks import pump
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db

#: Whether a stranger who knows this key takes the request.
Takes = Callable[[str, Heard], bool]


@pytest.fixture(autouse=True)
def _rules(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def server() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


def takes_v1(secret: str, heard: Heard) -> bool:
    """By the published library."""
    try:
        Webhook(secret).verify(heard.body, dict(heard.headers))
    except WebhookVerificationError:
        return False
    return True


def takes_v1a(public_key: str, heard: Heard) -> bool:
    """By the specification: Ed25519 over `id.timestamp.body`, the key in base64 after `whpk_`."""
    prefix, _, text = public_key.partition("_")
    assert prefix == "whpk"
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    start = f"{heard.headers['webhook-id']}.{heard.headers['webhook-timestamp']}.".encode()
    texts = [each.removeprefix("v1a,") for each in signatures_of(heard) if each.startswith("v1a,")]
    return any(_verifies(key, base64.b64decode(text, validate=True), start + heard.body) for text in texts)


def signatures_of(heard: Heard) -> list[str]:
    return str(heard.headers["webhook-signature"]).split(" ")


def _verifies(key: Ed25519PublicKey, signed: bytes, content: bytes) -> bool:
    try:
        key.verify(signed, content)
    except InvalidSignature:
        return False
    return True


def register(client: APIClient, url: str, kind: str) -> dict[str, Any]:
    answer = client.post("/v1/webhooks", {"url": url, "signature": kind, "types": ["*"]}, format="json")
    assert answer.status_code == 201
    webhook: dict[str, Any] = answer.json()["data"]["webhook"]
    return webhook


def key_of(webhook: dict[str, Any]) -> str:
    return str(webhook.get("secret") or webhook["publicKey"])


def rotate(client: APIClient, webhook: dict[str, Any], overlap: int) -> str:
    path = f"/v1/webhooks/{webhook['webhookId']}/rotate-secret"
    answer = client.post(path, {"overlapSeconds": overlap}, format="json")
    assert answer.status_code == 200
    return key_of(answer.json()["data"]["webhook"])


def hear(server: Subscriber, webhook: dict[str, Any]) -> Heard:
    """The next message that reaches the subscriber."""
    owe(Endpoint.objects.get(id=webhook["webhookId"]))
    pump.run(60)
    return server.heard()[-1]


KINDS = pytest.mark.parametrize(("kind", "takes"), [("v1", takes_v1), ("v1a", takes_v1a)])


@KINDS
def test_every_try_verifies_by_what_the_api_told_and_nothing_else_does(
    as_alice: APIClient, server: Subscriber, kind: str, takes: Takes
) -> None:
    server.answer("/hook", status(500), status(500), status(200))
    webhook, other = (register(as_alice, server.url(path), kind) for path in ("/hook", "/other"))
    (delivery,) = owe(Endpoint.objects.get(id=webhook["webhookId"]))
    for _ in range(3):
        pump.run(60)
        due_now(delivery)
    tries = server.heard()
    assert len(tries) == 3
    for heard in tries:
        assert takes(key_of(webhook), heard)
        assert not takes(key_of(other), heard)
        assert len(heard.headers.get_all("webhook-signature") or []) == 1
        assert len(signatures_of(heard)) == 1


@KINDS
def test_a_changed_byte_or_header_does_not_verify(
    as_alice: APIClient, server: Subscriber, kind: str, takes: Takes
) -> None:
    webhook = register(as_alice, server.url(), kind)
    heard = hear(server, webhook)
    assert takes(key_of(webhook), heard)
    for name in ("webhook-id", "webhook-timestamp"):
        before = heard.headers[name]
        heard.headers.replace_header(name, before[:-1] + ("0" if before[-1] != "0" else "1"))
        assert not takes(key_of(webhook), heard)
        heard.headers.replace_header(name, before)
    changed = Heard(heard.path, heard.headers, heard.body + b" ", heard.at)
    assert not takes(key_of(webhook), changed)


def test_the_public_key_is_shown_again_and_the_secret_is_not(as_alice: APIClient, server: Subscriber) -> None:
    webhook = register(as_alice, server.url(), "v1a")
    read = as_alice.get(f"/v1/webhooks/{webhook['webhookId']}")
    shown = read.json()["data"]["webhook"]["publicKey"]
    assert takes_v1a(shown, hear(server, webhook))
    assert b"whsk_" not in read.content


@KINDS
def test_while_secrets_overlap_each_of_them_verifies(
    as_alice: APIClient, server: Subscriber, kind: str, takes: Takes
) -> None:
    webhook = register(as_alice, server.url(), kind)
    keys = [key_of(webhook), *(rotate(as_alice, webhook, 3_600) for _ in range(7))]
    heard = hear(server, webhook)
    # The newest and five old ones.
    assert [takes(key, heard) for key in keys] == [False] * 2 + [True] * 6
    assert len(signatures_of(heard)) == 6


@KINDS
def test_without_an_overlap_only_the_new_secret_verifies(
    as_alice: APIClient, server: Subscriber, kind: str, takes: Takes
) -> None:
    webhook = register(as_alice, server.url(), kind)
    new = rotate(as_alice, webhook, 0)
    heard = hear(server, webhook)
    assert [takes(key, heard) for key in (key_of(webhook), new)] == [False, True]


@pytest.mark.parametrize(("before", "after"), [("v1", "v1a"), ("v1a", "v1")])
def test_while_the_kind_of_signature_changes_both_verify(
    as_alice: APIClient, server: Subscriber, before: str, after: str
) -> None:
    takes = {"v1": takes_v1, "v1a": takes_v1a}
    webhook = register(as_alice, server.url(), before)
    path = f"/v1/webhooks/{webhook['webhookId']}"
    answer = as_alice.patch(path, {"signature": after}, format="json")
    assert answer.status_code == 200
    heard = hear(server, webhook)
    assert takes[before](key_of(webhook), heard)
    assert takes[after](key_of(answer.json()["data"]["webhook"]), heard)


def test_a_retry_is_signed_with_the_secret_of_its_own_moment(as_alice: APIClient, server: Subscriber) -> None:
    server.answer("/hook", status(500), status(200))
    webhook = register(as_alice, server.url(), "v1")
    first = hear(server, webhook)
    new = rotate(as_alice, webhook, 0)
    due_now(*Delivery.objects.all())
    pump.run(60)
    second = server.heard()[-1]
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    assert second.body == first.body
    assert [takes_v1(key, second) for key in (key_of(webhook), new)] == [False, True]
