"""Signatures, against the published vector and the published library."""

import base64
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from webhooks.signing import new_secret, signature


def test_the_published_vector() -> None:
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_prefix_of_a_secret_may_be_left_out() -> None:
    with_prefix = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "id", 1, b"{}")
    assert with_prefix == signature("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "id", 1, b"{}")


def test_a_secret_is_32_random_bytes() -> None:
    secret = new_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert secret != new_secret()


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=10)))
def test_the_published_library_takes_our_signatures(payload: dict[str, str]) -> None:
    secret, now, body = new_secret(), int(time.time()), json.dumps(payload).encode()
    headers = {
        "webhook-id": "id",
        "webhook-timestamp": str(now),
        "webhook-signature": signature(secret, "id", now, body),
    }
    assert Webhook(secret).verify(body, headers) == payload
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)


def test_the_published_library_signs_alike() -> None:
    secret, moment = new_secret(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    theirs = Webhook(secret).sign("id", moment, '{"city": "Köln"}')
    assert signature(secret, "id", int(moment.timestamp()), '{"city": "Köln"}'.encode()) == theirs
