"""Subscribers that do their worst, as real servers: what a try leaves on record, and what follows from it.

Everything goes the whole way: rows, the pump, sockets, and rows again.
"""

import json
import threading
from collections.abc import Iterator

import pytest

from accounts.models import Merchant
from tests.hostile.answers import ANSWERS, PASSWORD, SECRET, refuses
from tests.subscribers import Subscriber, status, subscriber
from tests.webhooks.cast import EndpointFactory, attempts_of, owe
from tests.webhooks.trying import check_what_follows, try_once, try_with_time_enough
from webhooks import pump, transport
from webhooks.models import Attempt, Delivery, Endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _rules(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture(autouse=True)
def _own_wire(monkeypatch) -> None:
    """Kept connections and certificates are of one test."""
    monkeypatch.setattr(transport, "_of_thread", threading.local())


@pytest.fixture
def server() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


@pytest.fixture
def endpoint(alice: Merchant, server: Subscriber) -> Endpoint:
    headers = json.dumps({"Authorization": f"Bearer {PASSWORD}"})
    return EndpointFactory(merchant=alice, url=server.url(), secret=SECRET, headers=headers)


@pytest.mark.parametrize("is_kept", [False, True], ids=["new connection", "kept connection"])
@pytest.mark.parametrize("name", ANSWERS)
def test_what_an_answer_leaves_on_record_and_what_follows(
    endpoint: Endpoint, server: Subscriber, name: str, is_kept: bool
) -> None:
    hostile = ANSWERS[name]
    if is_kept:
        try_once(endpoint)
    before = len(server.heard())
    server.answer("/hook", hostile.answer)
    if hostile.ends_by_time:
        tried = try_with_time_enough(endpoint, hostile.error)
        assert len(server.heard()) > before
    else:
        tried = try_once(endpoint)
        assert len(server.heard()) == before + 1
    told = (tried.attempt.error, tried.attempt.status_code, tried.attempt.address)
    assert told == (hostile.error, hostile.code, "127.0.0.1")
    body = hostile.body.replace(SECRET, "[hidden]").replace(PASSWORD, "[hidden]")
    assert tried.attempt.response_body == body
    check_what_follows(endpoint, tried, hostile.error)


def test_no_header_of_an_answer_shows_a_secret(endpoint: Endpoint, server: Subscriber) -> None:
    echo = f"x-secret: {SECRET}\r\nx-{PASSWORD}: {SECRET.upper()} {PASSWORD}\r\n".encode()
    server.answer("/hook", refuses(500, echo).answer)
    shown = json.dumps(try_once(endpoint).attempt.response_headers).lower()
    assert "hidden" in shown
    for secret in (SECRET, SECRET.removeprefix("whsec_"), PASSWORD):
        assert secret.lower() not in shown


def test_a_cookie_is_not_brought_back(endpoint: Endpoint, server: Subscriber) -> None:
    server.answer("/hook", status(200, {"set-cookie": "a=b; path=/"}))
    for _ in range(2):
        try_once(endpoint)
    assert [heard.headers["cookie"] for heard in server.heard()] == [None, None]


def test_a_410_holds_what_is_owed_and_disables_the_endpoint(endpoint: Endpoint, server: Subscriber) -> None:
    server.answer("/hook", refuses(410).answer)
    tried = try_once(endpoint)
    assert (tried.attempt.error, tried.attempt.status_code) == ("http_status", 410)
    assert (endpoint.state, endpoint.disabled_reason, endpoint.failing_tries) == ("disabled", "gone", 1)
    assert tried.delivery.state in {"pending", "held"}
    assert pump.run(0.01) == 0
    assert len(server.heard()) == 1


def test_all_of_them_at_once_hold_up_nobody(alice: Merchant, server: Subscriber, settings) -> None:
    settings.DELIVERY_DEADLINE = 8
    owed = {}
    for number, (name, hostile) in enumerate(ANSWERS.items()):
        server.answer(f"/{number}", hostile.answer)
        endpoint = EndpointFactory(merchant=alice, url=server.url(f"/{number}"), retry_schedule=[3600])
        owed[name] = owe(endpoint)[0]
    fine = owe(EndpointFactory(merchant=alice, url=server.url("/fine")), 30)
    pump.run(60)
    seen = {name: [each.error for each in attempts_of(one)] for name, one in owed.items()}
    assert seen == {name: [hostile.error] for name, hostile in ANSWERS.items()}
    assert {each.delivery.state for each in Attempt.objects.filter(delivery__in=fine)} == {"delivered"}
    assert len(server.heard("/fine")) == 30
    assert not Delivery.objects.exclude(claim_id=None).exists()
