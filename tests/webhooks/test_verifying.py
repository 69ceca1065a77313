"""What `manage.py listen` says of a message's signatures, and of what is wrong with them."""

import base64
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from webhooks import signing
from webhooks.listening import keys
from webhooks.listening.arrivals import REMEMBERED, Arrival, Past
from webhooks.listening.verifying import MOST_SIGNATURES, Verdict, judge

SECRET, OTHER = signing.new_secret(), signing.new_secret()
PRIVATE = signing.new_private_key()
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = json.dumps({"type": "tracking.delivered", "city": "Köln"}, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Sent:
    """A message as somebody signed it, and what became of it on its way."""

    signed_with: tuple[str, ...] = (SECRET,)
    age: timedelta = timedelta()
    body: bytes = BODY
    id: str = "msg_1"

    def arrival(self, body: bytes | None = None, **headers: str | None) -> Arrival:
        """A header that is None is left out."""
        timestamp = int((NOW - self.age).timestamp())
        signers = [signing.signer(secret) for secret in self.signed_with]
        ours: dict[str, str | None] = {
            "Webhook-Id": self.id,
            "Webhook-Timestamp": str(timestamp),
            "Webhook-Signature": signing.signatures(signers, self.id, timestamp, self.body),
        }
        ours |= {name.replace("_", "-").title(): value for name, value in headers.items()}
        given = tuple((name, value) for name, value in ours.items() if value is not None)
        return Arrival(NOW, "/", given, self.body if body is None else body)


def judged(arrival: Arrival, *texts: str, past: Past | None = None) -> Verdict:
    return judge(arrival, keys.read(texts or (SECRET,)), past or Past())


def says(verdict: Verdict) -> str:
    return "\n".join(verdict.findings)


def test_a_signature_of_the_secret_verifies() -> None:
    verdict = judged(Sent().arrival())
    assert (verdict.verified, verdict.findings) == (True, ("signature 1 (v1) verifies with secret 1",))


def test_a_signature_of_the_private_key_verifies_with_the_public_one() -> None:
    verdict = judged(Sent((PRIVATE,)).arrival(), signing.public_key(PRIVATE))
    assert (verdict.verified, verdict.findings) == (True, ("signature 1 (v1a) verifies with public key 1",))


def test_the_published_vector_verifies() -> None:
    arrival = Arrival(
        datetime.fromtimestamp(1_614_265_330, UTC),
        "/",
        (
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ),
        b'{"test": 2432232314}',
    )
    assert judged(arrival, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").verified


def test_without_a_secret_nothing_is_verified_and_nothing_is_wrong() -> None:
    verdict = judge(Sent().arrival(), [], Past())
    assert (verdict.verified, says(verdict)) == (None, "no secret was given to verify with")


def test_of_several_signatures_and_secrets_one_that_fits_is_enough() -> None:
    arrival = Sent((OTHER, PRIVATE, SECRET)).arrival()
    verdict = judged(arrival, signing.new_secret(), SECRET)
    assert verdict.verified
    first, second, third = verdict.findings
    assert first == "signature 1 (v1) was made with another key: there are several after a rotation"
    assert second == "signature 2 (v1a) was not checked: no public key (whpk_...) was given"
    assert third == "signature 3 (v1) verifies with secret 2"


def test_a_secret_that_is_not_known_beside_one_that_fits_is_no_sign_of_a_changed_body() -> None:
    past = Past()
    past.remember(Sent().arrival(), keys.read([SECRET]))
    verdict = judged(Sent((OTHER, SECRET)).arrival(), past=past)
    assert (verdict.verified, verdict.findings) == (
        True,
        (
            "signature 1 (v1) was made with another key: there are several after a rotation",
            "signature 2 (v1) verifies with secret 1",
        ),
    )


def test_signatures_may_stand_in_headers_of_their_own() -> None:
    arrival = Sent().arrival()
    before = ("webhook-signature", "v1,AAAA")
    assert judged(replace(arrival, headers=(before, *arrival.headers))).verified


@pytest.mark.parametrize("age", [timedelta(seconds=300), timedelta(seconds=-300)])
def test_five_minutes_are_allowed(age: timedelta) -> None:
    assert judged(Sent(age=age).arrival()).verified


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=301), "webhook-timestamp is 301 s old"),
        (timedelta(seconds=-301), "webhook-timestamp is 301 s in the future"),
    ],
)
def test_a_timestamp_that_is_further_off_is_refused_though_the_signature_fits(
    age: timedelta, words: str
) -> None:
    verdict = judged(Sent(age=age).arrival())
    assert verdict.verified is False
    assert words in says(verdict)
    assert "signature 1 (v1) verifies with secret 1" in says(verdict)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"webhook_id": None}, "the header webhook-id is missing"),
        ({"webhook_timestamp": None}, "the header webhook-timestamp is missing"),
        ({"webhook_signature": None}, "the header webhook-signature is missing"),
        ({"webhook_id": ""}, "the header webhook-id is empty"),
        ({"webhook_timestamp": "1e9"}, "webhook-timestamp is not a number of seconds"),
        ({"webhook_timestamp": "9" * 5_000}, "webhook-timestamp is not a number of seconds"),
        ({"webhook_signature": "v1"}, "signature 1 is not a version, a comma and base64"),
        ({"webhook_signature": "v1,?"}, "signature 1 (v1) is not base64"),
        ({"webhook_signature": "v1,AAAA"}, "signature 1 (v1) is 3 bytes long, where 32 are right"),
        ({"webhook_signature": "v2,AAAA"}, "signature 1 (v2) is of a version that is not known here"),
    ],
)
def test_what_is_wrong_with_a_header_is_said(headers: dict[str, Any], words: str) -> None:
    verdict = judged(Sent().arrival(**headers))
    assert verdict.verified is False
    assert words in says(verdict)


def test_a_missing_header_that_the_signature_covers_is_not_called_a_wrong_secret() -> None:
    assert "could not be checked: a header that it covers is missing" in says(
        judged(Sent().arrival(webhook_id=None))
    )


def test_an_id_that_came_twice_is_refused() -> None:
    arrival = Sent().arrival()
    twice = replace(arrival, headers=(*arrival.headers, ("webhook-id", "msg_2")))
    assert judged(twice).findings[0] == "the header webhook-id came 2 times"
    assert judged(twice).verified is False


@pytest.mark.parametrize(
    ("signed", "arrived", "words"),
    [
        (b'{"a":1}', b'{"a": 1}', "as JSON without spaces, with plain letters it would"),
        (b'{"a": 1}', b'{"a":1}', "as JSON with spaces, with plain letters it would"),
        (b'{"a":"\\u00f6"}', '{"a":"ö"}'.encode(), "as JSON without spaces, with escaped letters it would"),
        (b"{}", b"{}\r\n", "without the white space at its end it would"),
        (b"{}\n", b"{}", "with a line end it would"),
    ],
)
def test_a_body_that_was_written_anew_is_told_from_a_wrong_secret(
    signed: bytes, arrived: bytes, words: str
) -> None:
    verdict = judged(Sent(body=signed).arrival(body=arrived))
    assert verdict.verified is False
    assert "the body was changed on its way" in says(verdict)
    assert words in says(verdict)


def test_a_body_written_anew_is_known_by_a_public_key_too() -> None:
    arrival = Sent((PRIVATE,), body=b'{"a":1}').arrival(body=b'{"a": 1}')
    assert "the body was changed" in says(judged(arrival, signing.public_key(PRIVATE)))


def test_another_body_of_an_id_that_verified_before_is_a_changed_one() -> None:
    past = Past()
    past.remember(Sent().arrival(), keys.read([SECRET]))
    verdict = judged(Sent().arrival(body=b"{}"), past=past)
    assert "a message of this webhook-id verified before, with another body" in says(verdict)


def test_a_secret_that_verified_others_is_hardly_the_wrong_one() -> None:
    past = Past()
    past.remember(Sent(id="msg_0").arrival(), keys.read([SECRET]))
    assert "though other messages verified" in says(judged(Sent().arrival(body=b"{}"), past=past))
    assert "the wrong secret" in says(judged(Sent().arrival(body=b"{}")))


def test_only_so_many_messages_are_remembered() -> None:
    past = Past()
    for number in range(REMEMBERED + 1):
        past.remember(Sent(id=f"msg_{number}").arrival(), [])
    assert not past.knows_another_body(Sent(id="msg_0").arrival(body=b"{}"))
    assert past.knows_another_body(Sent(id="msg_1").arrival(body=b"{}"))


def test_no_more_than_so_many_signatures_are_looked_at() -> None:
    right = dict(Sent().arrival().headers)["Webhook-Signature"]
    late = judged(Sent().arrival(webhook_signature=f"{'v2,AAAA ' * MOST_SIGNATURES}{right}"))
    assert late.verified is False
    assert late.findings[-1] == "1 more signatures were not looked at"


def test_secrets_and_public_keys_are_numbered_apart() -> None:
    found = keys.read([SECRET, signing.public_key(PRIVATE), OTHER])
    assert [key.name for key in found] == ["secret 1", "public key 1", "secret 2"]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ([PRIVATE], "secret no. 1 is a private key"),
        ([SECRET, "abc"], "secret no. 2 begins with neither whsec_ nor whpk_"),
        (["whsec_"], "is 0 bytes long"),
        (["whsec_ab"], "is not base64"),
        ([f"whpk_{base64.b64encode(b'short').decode()}"], "is 5 bytes long"),
    ],
)
def test_what_is_no_key_is_named_and_not_repeated(texts: Sequence[str], words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        keys.read(texts)
    assert not any(len(text) > 6 and text[6:] in str(refused.value) for text in texts)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    right = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda *sides: compared.append(sides) or right(*sides))
    assert judged(Sent().arrival()).verified
    assert len(compared) == 1
