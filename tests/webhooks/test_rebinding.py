"""Names that lead somewhere else when a message is sent than when the endpoint was registered.

In most of these tests 127.0.0.2 stands for the public internet, where the subscriber is; at 127.0.0.1, which
may not be called, somebody listens at the same port, and must hear nothing.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Merchant
from tests import subscribers
from tests.subscribers import Subscriber, status, subscriber
from tests.webhooks.cast import EndpointFactory, attempts_of, due_now, owe
from tests.webhooks.test_address_guard import BY_HAND, heard_nothing
from webhooks import names, pump, transport
from webhooks.models import Attempt, Delivery, Endpoint

pytestmark = pytest.mark.django_db

PUBLIC, PRIVATE = "127.0.0.2", "127.0.0.1"
NAME = "shop.example"

Knows = Callable[..., None]


@pytest.fixture(autouse=True)
def _rules(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [f"{PUBLIC}/32"]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server((PRIVATE, 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture
def server(listener: socket.socket) -> Iterator[Subscriber]:
    with subscriber(host=PUBLIC, port=listener.getsockname()[1]) as running:
        yield running


@pytest.fixture
def url(server: Subscriber) -> str:
    return f"http://{NAME}:{server.server_port}/hook"


@pytest.fixture
def the_sender_finds(monkeypatch) -> Knows:
    """Script what is found for NAME when something is sent, try for try; the last answer repeats."""
    script: list[str] = []

    def knows(*answers: str) -> None:
        script[:] = answers

    def look_up(host: str, port: int) -> list[str]:
        assert host == NAME
        return (script.pop(0) if len(script) > 1 else script[0]).split(",")

    monkeypatch.setattr(names, "KEPT", 0)
    monkeypatch.setattr(transport, "Names", lambda _, ring: names.Names(look_up, ring))
    monkeypatch.setattr(transport, "_of_thread", threading.local())
    return knows


@pytest.fixture
def we_find(monkeypatch) -> Knows:
    """What the system's resolver tells us, who register; the sender asks for itself."""
    look_up = socket.getaddrinfo

    def find(host: str, *addresses: str) -> None:
        def found(asked: Any, *rest: Any, **more: Any) -> Any:
            if asked != host:
                return look_up(asked, *rest, **more)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]

        monkeypatch.setattr(transport.socket, "getaddrinfo", found)

    return find


def close_after(handler: subscribers.Handler) -> None:
    handler.close_connection = True
    status(500)(handler)


def test_a_name_that_was_public_when_registered_and_leads_to_this_machine_when_sent(
    as_alice: APIClient, we_find: Knows, settings
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    we_find("localhost", "93.184.216.34")
    both = socket.has_dualstack_ipv6()
    family, host = (socket.AF_INET6, "::") if both else (socket.AF_INET, "")
    with socket.create_server((host, 0), family=family, dualstack_ipv6=both) as listening:
        listening.setblocking(False)
        hook = f"https://localhost:{listening.getsockname()[1]}/hook"
        assert as_alice.post("/v1/webhooks", {"url": hook}, format="json").status_code == 201
        (delivery,) = owe(Endpoint.objects.get())
        assert pump.run(60) == 1
        (attempt,) = attempts_of(delivery)
        assert (attempt.error, attempt.status_code) == ("address_refused", None)
        assert attempt.address in {"127.0.0.1", "::1"}
        assert heard_nothing(listening)


def test_a_name_that_is_rebound_between_two_tries(
    as_alice: APIClient,
    server: Subscriber,
    listener: socket.socket,
    url: str,
    the_sender_finds: Knows,
    we_find: Knows,
) -> None:
    server.answer("/hook", close_after)
    we_find(NAME, PUBLIC)
    the_sender_finds(PUBLIC, PRIVATE)
    assert as_alice.post("/v1/webhooks", {"url": url}, format="json").status_code == 201
    (delivery,) = owe(Endpoint.objects.get())
    pump.run(60)
    due_now(delivery)
    pump.run(60)
    tries = [(each.error, each.address) for each in attempts_of(delivery)]
    assert tries == [("http_status", PUBLIC), ("address_refused", PRIVATE)]
    assert len(server.heard()) == 1
    assert heard_nothing(listener)


@pytest.mark.parametrize("way", BY_HAND)
def test_a_name_that_is_rebound_before_something_is_sent_by_hand(
    as_alice: APIClient,
    alice: Merchant,
    server: Subscriber,
    listener: socket.socket,
    url: str,
    the_sender_finds: Knows,
    way: str,
) -> None:
    server.answer("/hook", close_after)
    the_sender_finds(PUBLIC, PRIVATE)
    endpoint = EndpointFactory(merchant=alice, url=url)
    (delivery,) = owe(endpoint)
    pump.run(60)
    Endpoint.objects.update(state="paused")
    path = BY_HAND[way].format(endpoint=endpoint.id, delivery=delivery.id)
    assert as_alice.post(path).status_code == 202
    assert pump.run(60) == 1
    tries = Attempt.objects.order_by("started_at").values_list("error", "address")
    assert list(tries) == [("http_status", PUBLIC), ("address_refused", PRIVATE)]
    assert len(server.heard()) == 1
    assert heard_nothing(listener)


def test_a_connection_that_is_kept_leads_where_it_led_when_it_was_judged(
    alice: Merchant, server: Subscriber, listener: socket.socket, url: str, the_sender_finds: Knows
) -> None:
    server.answer("/hook", status(500))
    the_sender_finds(PUBLIC, PRIVATE)
    (delivery,) = owe(EndpointFactory(merchant=alice, url=url))
    pump.run(60)
    due_now(delivery)
    pump.run(60)
    assert [each.address for each in attempts_of(delivery)] == [PUBLIC, PUBLIC]
    assert len(server.heard()) == 2
    assert heard_nothing(listener)


@pytest.mark.parametrize(
    "addresses",
    [
        f"{PUBLIC},{PRIVATE}",
        f"{PRIVATE},{PUBLIC}",
        f"::1,{PRIVATE},{PUBLIC}",
        f"{PUBLIC},{PRIVATE},::1",
        f"10.0.0.1,fd00::1,169.254.169.254,{PUBLIC}",
    ],
)
def test_of_a_name_with_several_addresses_only_the_public_one_is_tried(
    alice: Merchant,
    server: Subscriber,
    listener: socket.socket,
    url: str,
    the_sender_finds: Knows,
    addresses: str,
) -> None:
    the_sender_finds(addresses)
    (delivery,) = owe(EndpointFactory(merchant=alice, url=url))
    pump.run(60)
    assert [(each.error, each.address) for each in attempts_of(delivery)] == [("", PUBLIC)]
    assert len(server.heard()) == 1
    assert heard_nothing(listener)


@pytest.mark.parametrize("addresses", [f"{PUBLIC},{PRIVATE}", f"{PRIVATE},{PUBLIC}"])
def test_the_private_address_is_no_way_out_where_the_public_one_is_closed(
    alice: Merchant,
    the_sender_finds: Knows,
    listener: socket.socket,
    server: Subscriber,
    url: str,
    addresses: str,
) -> None:
    server.stop()
    the_sender_finds(addresses)
    (delivery,) = owe(EndpointFactory(merchant=alice, url=url))
    pump.run(60)
    assert [each.error for each in attempts_of(delivery)] == ["connection_refused"]
    assert heard_nothing(listener)


def test_a_name_with_a_public_and_a_private_address_is_registered(
    as_alice: APIClient, url: str, we_find: Knows
) -> None:
    we_find(NAME, PRIVATE, PUBLIC)
    assert as_alice.post("/v1/webhooks", {"url": url}, format="json").status_code == 201
    we_find(NAME, PRIVATE, "10.0.0.1")
    answer = as_alice.post("/v1/webhooks", {"url": url + "/2"}, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"].startswith("url: ")
    assert not Delivery.objects.exists()
