"""Tests, rest, and how an endpoint is sent to again: told by a real subscriber."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from django.http import HttpResponse
from rest_framework.test import APIClient
from standardwebhooks.webhooks import Webhook
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from events.models import Event
from tests import subscribers
from tests.subscribers import Subscriber, status, subscriber
from tests.webhooks.cast import EndpointFactory, attempts_of, ended, news, owe, tell
from tests.webhooks.test_unreadable import of_other_keys
from webhooks import health, holding, pump
from webhooks.claims import take
from webhooks.models import Delivery, Endpoint, ExtraTry, Message
from webhooks.settling import settle
from webhooks.stopping import stop

pytestmark = pytest.mark.django_db(transaction=True)

Post = Callable[[str], HttpResponse]


@pytest.fixture(autouse=True)
def _rules(settings) -> Iterator[None]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    yield
    stop.clear()


@pytest.fixture
def server() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


@pytest.fixture
def endpoint(alice: Merchant, server: Subscriber) -> Endpoint:
    made: Endpoint = EndpointFactory(merchant=alice, url=server.url(), max_in_flight=1)
    return made


@pytest.fixture
def post(as_alice: APIClient, endpoint: Endpoint) -> Post:
    """Call a route of the endpoint."""
    return lambda act: as_alice.post(f"/v1/webhooks/{endpoint.id}/{act}")


def said(answer: HttpResponse, code: int = 202) -> Any:
    assert answer.status_code == code, answer.content
    return answer.json()["data"]


def types(server: Subscriber) -> list[str]:
    """What it heard, in order."""
    return [json.loads(each.body)["type"] for each in server.heard()]


def state_of(endpoint: Endpoint) -> str:
    endpoint.refresh_from_db()
    return endpoint.state


def disable(endpoint: Endpoint) -> None:
    """By a 410."""
    owe(endpoint)
    settle((each, ended(each.delivery_id, 410)) for each in take(1))
    assert state_of(endpoint) == "disabled"


def test_a_test_arrives_signed_and_changes_nothing(
    endpoint: Endpoint, server: Subscriber, post: Post, as_alice: APIClient
) -> None:
    Endpoint.objects.update(types=["tracker.created"], failing_tries=3, failing_since="2026-01-01T00:00:00Z")
    before = Endpoint.objects.values().get()
    asked = said(post("test"))["delivery"]
    assert (asked["type"], asked["state"], asked["sequence"], asked["trackerId"]) == ("test", "held", 0, None)
    pump.run(60)
    (heard,) = server.heard()
    body = Webhook(endpoint.secret).verify(heard.body, dict(heard.headers))
    assert body["type"] == "test"
    assert body["data"] == {"webhookId": str(endpoint.id)}
    assert heard.headers["webhook-id"] == asked["messageId"]
    told = said(as_alice.get(f"/v1/deliveries/{asked['deliveryId']}"), 200)["delivery"]
    assert (told["state"], told["attemptCount"]) == ("delivered", 1)
    assert [each["trigger"] for each in told["attempts"]] == ["test"]
    assert Endpoint.objects.values().get() == before


@pytest.mark.parametrize("answer", [status(500), status(410), subscribers.hang, subscribers.close])
def test_a_test_that_fails_is_one_try_and_changes_nothing(
    endpoint: Endpoint, server: Subscriber, post: Post, settings, answer: subscribers.Answer
) -> None:
    server.answer("/hook", answer)
    settings.DELIVERY_DEADLINE = 0.5 if answer is subscribers.hang else 60
    before = Endpoint.objects.values().get()
    post("test")
    pump.run(60)
    test = Delivery.objects.get()
    assert (test.state, test.attempt_count) == ("exhausted", 1)
    assert not ExtraTry.objects.exists()
    assert not Event.objects.exists()
    assert Endpoint.objects.values().get() == before


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_an_inactive_endpoint_is_tested_too_and_stays_what_it_is(
    endpoint: Endpoint, server: Subscriber, post: Post, state: str
) -> None:
    Endpoint.objects.update(state=state)
    post("test")
    pump.run(60)
    assert types(server) == ["test"]
    assert state_of(endpoint) == state


def test_what_was_held_follows_the_test_the_oldest_first(
    alice: Merchant, endpoint: Endpoint, server: Subscriber, post: Post
) -> None:
    assert said(post("pause"), 200)["webhook"]["state"] == "paused"
    kinds = ["tracker.created", "tracking.in_transit", "tracking.out_for_delivery", "tracking.delivered"]
    for kind in kinds:
        tell(alice, news(kind))
    assert pump.run(60) == 0
    answer = said(post("enable"))
    assert (answer["webhook"]["state"], answer["delivery"]["type"]) == ("paused", "test")
    assert pump.run(60) == 5
    assert types(server) == ["test", *kinds]
    assert state_of(endpoint) == "active"
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    tell(alice, news())
    assert pump.run(60) == 1


def test_a_pause_holds_what_waits_for_its_next_try(
    endpoint: Endpoint, server: Subscriber, post: Post
) -> None:
    server.answer("/hook", status(503))
    (delivery,) = owe(endpoint)
    pump.run(60)
    post("pause")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.step) == ("held", 1)


def test_a_test_that_fails_leaves_the_endpoint_as_it_is(
    endpoint: Endpoint, server: Subscriber, post: Post
) -> None:
    server.answer("/hook", status(500), status(200))
    post("pause")
    owe(endpoint)
    first = said(post("enable"))["delivery"]
    pump.run(60)
    assert state_of(endpoint) == "paused"
    assert endpoint.enabling_by is None
    assert types(server) == ["test"]
    second = said(post("enable"))["delivery"]
    assert second["deliveryId"] != first["deliveryId"]
    pump.run(60)
    assert state_of(endpoint) == "active"
    assert types(server) == ["test", "test", "tracking.updated"]


def test_a_pause_during_the_enabling_wins(endpoint: Endpoint, server: Subscriber, post: Post) -> None:
    post("pause")
    owe(endpoint)
    post("enable")
    post("pause")
    pump.run(60)
    assert types(server) == ["test"]
    assert state_of(endpoint) == "paused"
    assert Delivery.objects.get(message__type="test").state == "delivered"


def test_enabling_twice_sends_one_test(endpoint: Endpoint, server: Subscriber, post: Post) -> None:
    post("pause")
    first, second = (said(post("enable"))["delivery"]["deliveryId"] for _ in range(2))
    assert first == second
    pump.run(60)
    assert types(server) == ["test"]
    assert said(post("enable"), 200)["delivery"] is None
    assert pump.run(60) == 0


def test_enabling_an_active_endpoint_changes_nothing(endpoint: Endpoint, post: Post) -> None:
    before = Endpoint.objects.values().get()
    answer = said(post("enable"), 200)
    assert (answer["webhook"]["state"], answer["delivery"]) == ("active", None)
    assert Endpoint.objects.values().get() == before
    assert not Message.objects.exists()


def test_an_enabling_whose_test_ended_without_a_word_is_begun_anew(endpoint: Endpoint, post: Post) -> None:
    post("pause")
    first = said(post("enable"))["delivery"]["deliveryId"]
    Delivery.objects.update(state="exhausted")
    assert said(post("enable"))["delivery"]["deliveryId"] != first


def test_a_disabled_endpoint_that_is_enabled_is_told_to_the_others(
    alice: Merchant, endpoint: Endpoint, server: Subscriber, post: Post
) -> None:
    disable(endpoint)
    other = EndpointFactory(merchant=alice, url=server.url("/other"), types=["endpoint.recovered"])
    test = said(post("enable"))["delivery"]["deliveryId"]
    pump.run(60)
    assert state_of(endpoint) == "active"
    assert (endpoint.disabled_reason, endpoint.disabled_at) == ("", None)
    event = Event.objects.latest("position")
    assert (event.type, event.stream, event.version) == ("endpoint.recovered", endpoint.id, 2)
    assert (event.data["webhookId"], event.data["reason"]) == (str(endpoint.id), "gone")
    assert (event.data["deliveryId"], event.data["disabledSince"][-1]) == (test, "Z")
    (heard,) = server.heard("/other")
    assert Webhook(other.secret).verify(heard.body, dict(heard.headers))["data"] == event.data


def test_each_recovery_is_told(endpoint: Endpoint, post: Post) -> None:
    for _ in range(2):
        disable(endpoint)
        post("enable")
        pump.run(60)
        assert state_of(endpoint) == "active"
    assert Event.objects.filter(type="endpoint.recovered").count() == 2


def test_a_paused_endpoint_that_is_enabled_is_nobodys_news(endpoint: Endpoint, post: Post) -> None:
    post("pause")
    post("enable")
    pump.run(60)
    assert state_of(endpoint) == "active"
    assert not Event.objects.exists()


def test_another_test_does_not_enable(endpoint: Endpoint, server: Subscriber, post: Post) -> None:
    post("pause")
    post("test")
    pump.run(60)
    assert types(server) == ["test"]
    assert state_of(endpoint) == "paused"


def test_a_success_by_other_ways_does_not_enable(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    claimed = take(1)
    health.disable(endpoint.id, health.Reason.GONE)
    settle((each, ended(each.delivery_id)) for each in claimed)
    delivery.refresh_from_db()
    assert delivery.state == "delivered"
    assert state_of(endpoint) == "disabled"


@pytest.mark.parametrize("column", ["secret", "headers"])
@pytest.mark.parametrize("act", ["test", "enable"])
def test_an_endpoint_that_cannot_be_read_is_refused_a_test(
    endpoint: Endpoint, post: Post, column: str, act: str
) -> None:
    Endpoint.objects.update(state="disabled", disabled_reason="secret_unreadable")
    of_other_keys(endpoint, column)
    answer = post(act)
    assert answer.status_code == 409
    (error,) = answer.json()["errors"]
    assert error["code"] == "webhook_unreadable"
    assert "rotate its secret" in error["message"]
    assert not Message.objects.exists()


def test_one_that_becomes_unreadable_during_its_enabling_stays_what_it_is(
    endpoint: Endpoint, server: Subscriber, post: Post, bob: Merchant
) -> None:
    EndpointFactory(merchant=bob)
    post("pause")
    post("enable")
    of_other_keys(endpoint)
    pump.run(60)
    assert server.heard() == []
    assert Delivery.objects.get().state == "exhausted"
    row = Endpoint.objects.filter(id=endpoint.id).values("state", "enabling_by").get()
    assert row == {"state": "paused", "enabling_by": None}


def test_a_deleted_endpoint_is_not_enabled(endpoint: Endpoint, server: Subscriber, post: Post) -> None:
    post("pause")
    post("enable")
    holding.delete(endpoint.merchant_id, endpoint.id)
    assert pump.run(60) == 0
    assert server.heard() == []
    assert Delivery.objects.get().state == "cancelled"
    assert Endpoint.objects.get().enabling_by is None
    assert post("enable").status_code == 404


def test_one_that_is_deleted_while_its_test_is_under_way_stays_deleted(
    endpoint: Endpoint, server: Subscriber, post: Post
) -> None:
    def delete(handler: subscribers.Handler) -> None:
        Endpoint.objects.update(deleted_at="2026-01-01T00:00:00Z")
        connections.close_all()
        status(200)(handler)

    server.answer("/hook", delete)
    post("pause")
    post("enable")
    pump.run(60)
    assert Delivery.objects.get().state == "delivered"
    assert state_of(endpoint) == "paused"


@pytest.mark.parametrize("act", ["test", "pause", "enable"])
def test_what_is_not_there_and_what_is_anothers_are_not_found(
    endpoint: Endpoint, as_alice: APIClient, as_bob: APIClient, act: str
) -> None:
    assert as_bob.post(f"/v1/webhooks/{endpoint.id}/{act}").status_code == 404
    assert as_alice.post(f"/v1/webhooks/{uuid7()}/{act}").status_code == 404
    assert not Message.objects.exists()


@pytest.mark.parametrize("act", ["test", "enable"])
def test_a_repeated_call_asks_once(
    endpoint: Endpoint, server: Subscriber, as_alice: APIClient, act: str
) -> None:
    Endpoint.objects.update(state="paused")
    path, key = f"/v1/webhooks/{endpoint.id}/{act}", {"Idempotency-Key": "once"}
    first, second = (as_alice.post(path, headers=key) for _ in range(2))
    assert first.json() == second.json()
    pump.run(60)
    assert types(server) == ["test"]


def test_tests_are_not_sent_again_with_a_recovered_endpoints_messages(
    endpoint: Endpoint, server: Subscriber, post: Post
) -> None:
    """One that failed stays over, whatever its endpoint's life goes on to be."""
    server.answer("/hook", status(500), status(200))
    post("pause")
    post("test")
    pump.run(60)
    post("enable")
    pump.run(60)
    while holding.reconcile():
        pass
    assert pump.run(60) == 0
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["delivered", "exhausted"]
    assert [len(attempts_of(each)) for each in Delivery.objects.all()] == [1, 1]
