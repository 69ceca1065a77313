"""Fresh keys: subscribers can switch over in their own time, and no message comes that they cannot verify."""

import base64
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import Merchant
from tests.subscribers import Subscriber, subscriber
from tests.together import at_once
from tests.webhooks.broken import break_it
from tests.webhooks.cast import EndpointFactory, owe
from webhooks import pump
from webhooks.claims import Claimed, take
from webhooks.keyring import Keys, OldSecret, read_old, written_old
from webhooks.models import SECRET_COLUMNS, Endpoint
from webhooks.requesting import request
from webhooks.rotating import MOST_OLD, rotate
from webhooks.signing import new_secret

pytestmark = pytest.mark.django_db

HOUR = 3600


@pytest.fixture(autouse=True)
def local(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def server() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


@pytest.fixture
def endpoint(alice: Merchant, server: Subscriber) -> Endpoint:
    return EndpointFactory(merchant=alice, url=server.url())


def two_keys(endpoint: Endpoint) -> Keys:
    """Let its messages be signed with a private key."""
    keys = Keys.fresh("v1a")
    Endpoint.objects.filter(id=endpoint.id).update(
        signature=keys.signature, secret=keys.secret, public_key=keys.public_key
    )
    return keys


def ask(client: APIClient, endpoint: Endpoint, body: Any = None, **headers: str) -> Any:
    return client.post(f"/v1/webhooks/{endpoint.id}/rotate-secret", body, format="json", headers=headers)


def rotated(client: APIClient, endpoint: Endpoint, **body: Any) -> dict[str, Any]:
    answer = ask(client, endpoint, body)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()["data"]["webhook"]
    return found


Said = tuple[dict[str, str], bytes]


def said_by(claimed: Claimed) -> Said:
    outgoing = request(claimed)
    return dict(outgoing.headers), outgoing.body


def next_said(endpoint: Endpoint) -> Said:
    """The headers and body of the next message."""
    owe(endpoint)
    (claimed,) = take(1)
    return said_by(claimed)


def takes(secret: str, said: Said) -> bool:
    """Whether a subscriber with this secret, or public key, takes the message for ours."""
    headers, body = said
    if secret.startswith("whpk_"):
        return _takes_with_public_key(secret, headers, body)
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def _takes_with_public_key(key: str, headers: dict[str, str], body: bytes) -> bool:
    verifier = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
    content = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    for each in headers["webhook-signature"].split():
        version, _, text = each.partition(",")
        with suppress(InvalidSignature):
            if version == "v1a":
                verifier.verify(base64.b64decode(text), content)
                return True
    return False


def signatures_of(said: Said) -> list[str]:
    return [each.partition(",")[0] for each in said[0]["webhook-signature"].split(" ")]


def olds(endpoint: Endpoint) -> list[OldSecret]:
    return read_old(Endpoint.objects.values_list("old_secrets", flat=True).get(id=endpoint.id))


def test_the_new_secret_is_told_once_and_both_sign_what_follows(
    as_alice: APIClient, endpoint: Endpoint, server: Subscriber
) -> None:
    new = rotated(as_alice, endpoint)
    assert new["secret"].startswith("whsec_")
    assert new["secret"] != endpoint.secret
    shown = as_alice.get(f"/v1/webhooks/{endpoint.id}").json()["data"]["webhook"]
    assert shown == {name: value for name, value in new.items() if name != "secret"}
    owe(endpoint)
    pump.run(60)
    (heard,) = server.heard()
    said = dict(heard.headers), heard.body
    assert takes(endpoint.secret, said)
    assert takes(new["secret"], said)
    first = {**said[0], "webhook-signature": said[0]["webhook-signature"].split()[0]}
    assert takes(new["secret"], (first, said[1]))


@pytest.mark.parametrize(("asked", "hours"), [({}, 24), ({"overlapSeconds": HOUR}, 1)])
def test_the_old_secret_signs_until_its_time_is_over(
    as_alice: APIClient, endpoint: Endpoint, asked: dict[str, int], hours: int
) -> None:
    rotated(as_alice, endpoint, **asked)
    owe(endpoint)
    (claimed,) = take(1)
    for off, count in ((timedelta(minutes=-1), 2), (timedelta(minutes=1), 1)):
        later = replace(claimed, started_at=claimed.started_at + timedelta(hours=hours) + off)
        assert len(signatures_of(said_by(later))) == count


def test_without_an_overlap_the_old_secret_is_gone_at_once(as_alice: APIClient, endpoint: Endpoint) -> None:
    new = rotated(as_alice, endpoint, overlapSeconds=0)
    said = next_said(endpoint)
    assert signatures_of(said) == ["v1"]
    assert takes(new["secret"], said)
    assert Endpoint.objects.filter(old_secrets=None).exists()


def test_a_pair_of_keys_is_replaced_and_only_public_ones_are_told(
    as_alice: APIClient, endpoint: Endpoint
) -> None:
    before = two_keys(endpoint)
    new = rotated(as_alice, endpoint)
    assert "secret" not in new
    assert new["publicKey"] != before.public_key
    said = next_said(endpoint)
    assert signatures_of(said) == ["v1a", "v1a"]
    assert takes(before.public_key, said)
    assert takes(new["publicKey"], said)
    assert not takes(Keys.fresh("v1a").public_key, said)


def test_five_replaced_secrets_count_and_of_a_sixth_the_oldest_goes(
    as_alice: APIClient, endpoint: Endpoint
) -> None:
    told = [endpoint.secret, *(rotated(as_alice, endpoint)["secret"] for _ in range(MOST_OLD + 1))]
    assert [each.secret for each in olds(endpoint)] == told[-2:0:-1]
    said = next_said(endpoint)
    assert len(signatures_of(said)) == MOST_OLD + 1
    assert [takes(secret, said) for secret in told] == [False, *[True] * (MOST_OLD + 1)]


def test_one_whose_time_is_over_is_forgotten_at_the_next_rotation(
    as_alice: APIClient, endpoint: Endpoint
) -> None:
    over = OldSecret(new_secret(), timezone.now() - timedelta(seconds=1))
    counts = OldSecret(new_secret(), timezone.now() + timedelta(days=1))
    Endpoint.objects.update(old_secrets=written_old([over, counts]))
    rotated(as_alice, endpoint, overlapSeconds=HOUR)
    assert [each.secret for each in olds(endpoint)] == [endpoint.secret, counts.secret]
    assert olds(endpoint)[1] == counts


def test_times_are_the_databases(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    rotate(endpoint.merchant_id, endpoint.id, HOUR)
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s - clock_timestamp()", [olds(endpoint)[0].until])
        assert timedelta(minutes=59) < cursor.fetchone()[0] <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"overlapSeconds": -1}, "overlapSeconds: "),
        ({"overlapSeconds": 604_801}, "overlapSeconds: "),
        ({"overlapSeconds": "5"}, "overlapSeconds: "),
        ({"overlapSeconds": 1.5}, "overlapSeconds: "),
        ({"overlapSeconds": True}, "overlapSeconds: "),
        ({"overlapSeconds": None}, "overlapSeconds: "),
        ({"overlap": 5}, "overlap: "),
        ({"secret": "whsec_AAAA"}, "secret: "),
        ([], "The body"),
    ],
)
def test_a_bad_body_is_refused_and_nothing_changes(
    as_alice: APIClient, endpoint: Endpoint, body: Any, named: str
) -> None:
    answer = ask(as_alice, endpoint, body)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["code"], error["message"].startswith(named)) == ("validation_error", True)
    assert Endpoint.objects.get().secret == endpoint.secret


def test_the_body_may_be_left_out(as_alice: APIClient, endpoint: Endpoint) -> None:
    assert as_alice.post(f"/v1/webhooks/{endpoint.id}/rotate-secret").status_code == 200
    assert Endpoint.objects.get().secret != endpoint.secret


def test_a_repeat_gets_the_same_secret_and_rotates_nothing(as_alice: APIClient, endpoint: Endpoint) -> None:
    key = {"Idempotency-Key": "once"}
    first, again = (ask(as_alice, endpoint, {}, **key) for _ in range(2))
    assert (again.status_code, again.content) == (200, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert Endpoint.objects.get().secret == first.json()["data"]["webhook"]["secret"]
    assert [each.secret for each in olds(endpoint)] == [endpoint.secret]


def test_a_strangers_and_a_deleted_one_are_not_there(
    as_alice: APIClient, as_bob: APIClient, endpoint: Endpoint
) -> None:
    assert ask(as_bob, endpoint).status_code == 404
    assert Endpoint.objects.get().secret == endpoint.secret
    as_alice.delete(f"/v1/webhooks/{endpoint.id}")
    answer = ask(as_alice, endpoint)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "webhook_not_found")
    assert Endpoint.objects.get().secret == endpoint.secret


@pytest.mark.parametrize("state", ["active", "paused", "disabled"])
def test_the_state_stays_as_it_is(as_alice: APIClient, endpoint: Endpoint, state: str) -> None:
    Endpoint.objects.update(state=state)
    assert rotated(as_alice, endpoint)["state"] == state


@pytest.mark.parametrize("how", ["keys of secret", "keys of old_secrets", "no base64", "empty", "no pair"])
def test_an_endpoint_that_nothing_opens_is_repaired(
    as_alice: APIClient, endpoint: Endpoint, server: Subscriber, how: str
) -> None:
    counts = OldSecret(new_secret(), timezone.now() + timedelta(days=1))
    Endpoint.objects.update(old_secrets=written_old([counts]))
    break_it(endpoint, how)
    new = rotated(as_alice, endpoint)
    assert (new["state"], new["headers"]) == ("active", {})
    owe(endpoint)
    assert pump.run(60) == 1
    (heard,) = server.heard()
    said = dict(heard.headers), heard.body
    assert takes(new["secret"], said)
    readable = endpoint.secret if how == "keys of old_secrets" else counts.secret
    assert signatures_of(said) == ["v1", "v1"]
    assert takes(readable, said)


def test_where_nothing_is_readable_only_the_new_secret_signs(as_alice: APIClient, endpoint: Endpoint) -> None:
    for column in SECRET_COLUMNS:
        break_it(endpoint, f"keys of {column}")
    new = rotated(as_alice, endpoint)
    # Its headers are still lost: PATCH takes new ones.
    assert (new["state"], new["disabledReason"], new["headers"]) == ("disabled", "secret_unreadable", None)
    headers = {"Authorization": "Bearer again"}
    as_alice.patch(f"/v1/webhooks/{endpoint.id}", {"headers": headers}, format="json")
    said = next_said(endpoint)
    assert signatures_of(said) == ["v1"]
    assert takes(new["secret"], said)
    assert said[0]["Authorization"] == "Bearer again"


def test_what_is_logged_of_a_request_holds_no_value_of_a_header(endpoint: Endpoint) -> None:
    Endpoint.objects.update(headers='{"Authorization": "Bearer TOPSECRET"}')
    owe(endpoint)
    (claimed,) = take(1)
    outgoing = request(claimed)
    assert dict(outgoing.headers)["Authorization"] == "Bearer TOPSECRET"
    assert "TOPSECRET" not in repr(outgoing)
    assert "whsec_" not in repr(claimed)


def test_a_try_that_began_before_a_rotation_is_signed_with_what_counted_then(endpoint: Endpoint) -> None:
    owe(endpoint, 2)
    (claimed,) = take(1)
    keys = rotate(endpoint.merchant_id, endpoint.id, overlap=0)
    assert takes(endpoint.secret, said_by(claimed))
    (later,) = take(1)
    assert takes(keys.secret, said_by(later))


@pytest.mark.django_db(transaction=True)
def test_rotations_at_once_lose_no_secret(alice: Merchant, endpoint: Endpoint) -> None:
    keys = at_once(*[partial(rotate, alice.id, endpoint.id, HOUR)] * MOST_OLD)
    current = Endpoint.objects.get().secret
    kept = [current, *(each.secret for each in olds(endpoint))]
    assert sorted(kept) == sorted([endpoint.secret, *(each.secret for each in keys)])
    assert kept[-1] == endpoint.secret


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["v1", "v1a"])
def test_rotating_while_messages_go_out_leaves_none_unverifiable(
    alice: Merchant, endpoint: Endpoint, server: Subscriber, kind: str
) -> None:
    if kind == "v1a":
        two_keys(endpoint)
    first = Endpoint.objects.get().keys
    owe(endpoint, 200)
    keys = [first, *_while_rotating(alice, endpoint, lambda: pump.run(60))]
    said = [(dict(heard.headers), heard.body) for heard in server.heard()]
    assert len(said) == 200
    known = [each.public_key or each.secret for each in keys]
    for each in said:
        # Who knows the first key alone takes every message, and no signature is of anything else than ours.
        assert takes(known[0], each)
        assert sum(takes(one, each) for one in known) == len(signatures_of(each))


def _while_rotating(alice: Merchant, endpoint: Endpoint, work: Callable[[], object]) -> Sequence[Keys]:
    begun = threading.Event()

    def turn() -> list[Keys]:
        try:
            keys = [rotate(alice.id, endpoint.id, HOUR)]
            begun.set()
            return keys + [rotate(alice.id, endpoint.id, HOUR) for _ in range(MOST_OLD - 1)]
        finally:
            begun.set()
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        turning = pool.submit(turn)
        begun.wait(60)
        work()
        return turning.result(120)
