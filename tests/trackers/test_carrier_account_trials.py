"""`POST /v1/carrier-accounts/{id}/test`: one harmless question, and its outcome in the words of polls."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers import accounts
from carriers.models import CarrierAccount
from tests.carriers.servers import Behaviour, Server, answer, serving
from tests.factories import CarrierAccountFactory
from tests.ship24_server import KEY as SHIP24_KEY
from tests.ship24_server import ship24_server
from trackers import waiting
from trackers.carrier_accounts import trying

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "carrier-key"
UNKNOWN_TO_ALL24 = answer(b'{"response_code": 404, "error_codes": []}', "404 Not Found")
UNKNOWN_TO_247EXPRESS = answer(b'{"errorCode": "ORDERCODE_NOT_FOUND"}')
Trial = dict[str, str | None]


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def account(alice: Merchant) -> Callable[..., CarrierAccount]:
    return lambda courier, url, **fields: CarrierAccountFactory(
        merchant=alice, courier=courier, base_url=url, time_zone="", **fields
    )


@contextmanager
def carrier(behaviour: Behaviour) -> Iterator[Server]:
    with serving(behaviour) as server:
        yield server


def tried(client: APIClient, account: CarrierAccount, **headers: str) -> Trial:
    answered = client.post(f"/v1/carrier-accounts/{account.id}/test", headers=headers)
    assert answered.status_code == 200
    assert KEY not in answered.content.decode()
    account.refresh_from_db()
    assert answered.json()["data"]["carrierAccount"]["state"] == account.state
    told: Trial = answered.json()["data"]["test"]
    return told


@pytest.mark.parametrize(
    ("courier", "behaviour"),
    [("all24", UNKNOWN_TO_ALL24), ("247express", UNKNOWN_TO_247EXPRESS)],
)
def test_a_key_that_is_accepted_is_ok_though_nobody_knows_the_number(
    as_alice: APIClient, account: Callable[..., CarrierAccount], courier: str, behaviour: Behaviour
) -> None:
    with carrier(behaviour) as server:
        told = tried(as_alice, account(courier, server.url))
    assert told == {"outcome": "ok", "error": None}
    assert [trying.NOBODYS in request for request in server.requests] == [True]


def test_to_try_a_key_of_ship24s_makes_no_tracker_there(
    as_alice: APIClient, account: Callable[..., CarrierAccount]
) -> None:
    with ship24_server() as server:
        told = tried(as_alice, account("ship24", server.url, key=SHIP24_KEY))
        refused = tried(as_alice, account("ship24", server.url))
    assert (told["outcome"], refused["outcome"]) == ("ok", "account_suspended")
    assert {sent.method for sent in server.sent} == {"GET"}


def coded(code: str) -> Behaviour:
    return answer(json.dumps({"errorCode": code, "errorMessage": KEY}).encode())


@pytest.mark.parametrize(
    ("courier", "behaviour", "outcome", "state"),
    [
        ("all24", answer(b"{}", "401 Unauthorized"), "account_suspended", "suspended"),
        ("247express", coded("APIKEY_NOT_FOUND"), "account_suspended", "suspended"),
        ("247express", coded("APIKEY_LIMIT"), "throttled", "active"),
        ("247express", coded("ORDERCODE_DOES_NOT_BELONG_TO_YOUR_ACCOUNT"), "ok", "active"),
        ("all24", answer(b"{}", "429 Too Many"), "throttled", "active"),
        ("all24", answer(b"{}", "402 Failed"), "refused", "active"),
        ("all24", answer(b"{}", "503 Away"), "unreachable", "active"),
        ("all24", answer(f"<html>{KEY}</html>".encode()), "bad_response", "active"),
        ("all24", lambda peer: peer.close(), "unreachable", "active"),
    ],
)
def test_the_outcome_is_told_and_heeded_as_polling_would(
    as_alice: APIClient,
    account: Callable[..., CarrierAccount],
    courier: str,
    behaviour: Behaviour,
    outcome: str,
    state: str,
) -> None:
    with carrier(behaviour) as server:
        asked = account(courier, server.url)
        told = tried(as_alice, asked)
    assert (told["outcome"], asked.state) == (outcome, state)
    assert bool(told["error"]) == (outcome != "ok")
    assert (asked.resting_until is not None) == ("LIMIT" in str(told["error"]))


def test_a_carrier_that_hangs_costs_its_deadline(
    settings: Settings, as_alice: APIClient, account: Callable[..., CarrierAccount]
) -> None:
    settings.CARRIER_DEADLINE = 0.2
    over = threading.Event()
    with carrier(lambda _: over.wait(30) and None) as server:
        assert tried(as_alice, account("all24", server.url))["outcome"] == "unreachable"
        over.set()


def test_a_private_address_is_not_called(
    settings: Settings, as_alice: APIClient, account: Callable[..., CarrierAccount]
) -> None:
    with carrier(UNKNOWN_TO_ALL24) as server:
        settings.CARRIER_ALLOWED_NETWORKS = ["10.0.0.0/8"]
        assert tried(as_alice, account("all24", server.url))["outcome"] == "unreachable"
    assert server.requests == []


def test_no_transaction_is_open_while_the_carrier_is_asked(
    as_alice: APIClient, account: Callable[..., CarrierAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor with an Idempotency-Key, whose answer is kept afterwards: the repeat asks nobody."""
    seen: list[bool] = []
    asking = trying._asked
    monkeypatch.setattr(
        trying, "_asked", lambda *given: seen.append(connection.in_atomic_block) or asking(*given)
    )
    with carrier(UNKNOWN_TO_ALL24) as server:
        asked = account("all24", server.url)
        told = [tried(as_alice, asked, **{"Idempotency-Key": "once"}) for _ in range(2)]
    assert (seen, told[0]) == ([False], told[1])


def test_a_key_that_was_changed_meanwhile_is_not_to_blame(
    as_alice: APIClient, account: Callable[..., CarrierAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = trying._asked

    def replaced_meanwhile(*given: object) -> object:
        url = f"/v1/carrier-accounts/{asked.id}/key"
        assert as_alice.put(url, {"key": "better"}, format="json").status_code == 200
        return asking(*given)

    with carrier(answer(b"{}", "401 Unauthorized")) as server:
        asked = account("all24", server.url)
        monkeypatch.setattr(trying, "_asked", replaced_meanwhile)
        assert tried(as_alice, asked)["outcome"] == "account_suspended"
    assert (asked.state, asked.key) == ("active", "better")


def test_a_key_that_was_changed_meanwhile_need_not_rest_for_the_old_one(
    as_alice: APIClient, account: Callable[..., CarrierAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = trying._asked

    def replaced_meanwhile(*given: object) -> object:
        accounts.replace_key(asked, "better")
        return asking(*given)

    with carrier(coded("APIKEY_LIMIT")) as server:
        asked = account("247express", server.url)
        monkeypatch.setattr(trying, "_asked", replaced_meanwhile)
        assert tried(as_alice, asked)["outcome"] == "throttled"
    assert asked.resting_until is None


def test_beyond_a_quarter_of_the_threads_it_is_for_later(
    settings: Settings, as_alice: APIClient, account: Callable[..., CarrierAccount]
) -> None:
    settings.WEB_THREADS = 4
    asked = account("all24", "http://127.0.0.1:9")
    with waiting.room.place() as given:
        assert given
        answered = as_alice.post(f"/v1/carrier-accounts/{asked.id}/test")
    assert (answered.status_code, answered["Retry-After"]) == (429, "1")
