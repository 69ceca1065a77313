"""Signatures, against the published vectors and the published library."""

import base64
import hmac
import json
import time
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from webhooks.signing import new_private_key, new_secret, public_key, signatures, signer

#: Of the specification's libraries, and of Svix's server.
MESSAGE = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
SIGNED_A = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    return signatures([signer(secret)], message_id, timestamp, body)


@pytest.mark.parametrize(("secret", "signed"), [(SECRET, SIGNED), (PRIVATE, SIGNED_A)])
def test_the_published_vectors(secret: str, signed: str) -> None:
    assert sign(secret, *MESSAGE) == signed


def test_the_published_public_key() -> None:
    assert public_key(PRIVATE) == PUBLIC


def test_several_signatures_stand_in_one_header() -> None:
    assert signatures([signer(PRIVATE), signer(SECRET)], *MESSAGE) == f"{SIGNED_A} {SIGNED}"


def test_the_prefix_of_a_secret_may_be_left_out() -> None:
    assert sign(SECRET.removeprefix("whsec_"), *MESSAGE) == SIGNED


def test_a_secret_is_32_random_bytes() -> None:
    secret = new_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert secret != new_secret()


def test_a_private_key_is_a_random_seed_and_its_public_key() -> None:
    private = new_private_key()
    assert private.startswith("whsk_")
    pair = base64.b64decode(private.removeprefix("whsk_"))
    assert len(pair) == 64
    assert public_key(private) == "whpk_" + base64.b64encode(pair[32:]).decode()
    assert private != new_private_key()


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_!!!",
        "whsec_AAA",
        "whsec_\N{SNOWMAN}",
        "whsk_",
        "whsk_!!!",
        "whsk_" + base64.b64encode(bytes(32)).decode(),
        "whsk_" + base64.b64encode(bytes(64)).decode(),
        "whsk_" + base64.b64encode(bytes(65)).decode(),
        PUBLIC,
    ],
)
def test_what_is_no_key_signs_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        signer(secret)
    assert not secret[6:] or secret[6:] not in str(refused.value)


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=10)))
def test_the_published_library_takes_our_signatures(payload: dict[str, str]) -> None:
    secret, now, body = new_secret(), int(time.time()), json.dumps(payload).encode()
    headers = {
        "webhook-id": "id",
        "webhook-timestamp": str(now),
        "webhook-signature": signatures(
            [signer(new_private_key()), signer(new_secret()), signer(secret)], "id", now, body
        ),
    }
    assert Webhook(secret).verify(body, headers) == payload
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)


def test_the_published_library_signs_alike() -> None:
    secret, moment = new_secret(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    theirs = Webhook(secret).sign("id", moment, '{"city": "Köln"}')
    assert sign(secret, "id", int(moment.timestamp()), '{"city": "Köln"}'.encode()) == theirs


@given(st.binary(max_size=100))
def test_whoever_has_the_public_key_can_verify(body: bytes) -> None:
    private = new_private_key()
    known = public_key(private).removeprefix("whpk_")
    version, _, text = sign(private, "id", 5, body).partition(",")
    assert version == "v1a"
    verifier, signed = Ed25519PublicKey.from_public_bytes(base64.b64decode(known)), base64.b64decode(text)
    verifier.verify(signed, b"id.5." + body)
    with pytest.raises(InvalidSignature):
        verifier.verify(signed, b"id.6." + body)


@given(st.binary(min_size=1, max_size=200), st.binary(max_size=300))
def test_v1_is_hmac_with_keys_of_any_length(key: bytes, body: bytes) -> None:
    sign = signer("whsec_" + base64.b64encode(key).decode())
    expected = base64.b64encode(hmac.digest(key, body, "sha256")).decode()
    assert [sign(body), sign(body)] == [f"v1,{expected}"] * 2
