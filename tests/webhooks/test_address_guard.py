"""Addresses that may not be called, in every form they can be written in: no packet leaves.

`data/addresses.json` has the forms. `reason` is a part of the API's answer, "" where the system's resolver
decides which it is; `{port}` is a port of this machine that somebody listens at.
"""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory, attempts_of, owe
from webhooks import handles, pump
from webhooks.models import Attempt, Endpoint

pytestmark = pytest.mark.django_db

FORMS = json.loads((Path(__file__).parent / "data" / "addresses.json").read_text())


@pytest.fixture(autouse=True)
def _no_network_is_allowed(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody who listens at each address of this machine."""
    both = socket.has_dualstack_ipv6()
    family, host = (socket.AF_INET6, "::") if both else (socket.AF_INET, "")
    with socket.create_server((host, 0), family=family, dualstack_ipv6=both) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture
def opened(monkeypatch) -> list[tuple[int, ...]]:
    """The sockets that libcurl was given: without one it can send nothing."""
    given: list[tuple[int, ...]] = []

    class Recorded(handles._Socket):
        def __init__(self, *kind: int) -> None:
            given.append(kind)
            super().__init__(*kind)

    monkeypatch.setattr(handles, "_Socket", Recorded)
    return given


def heard_nothing(listener: socket.socket) -> bool:
    """Whether nobody connected: the kernel would have taken the connection by itself."""
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return True
    return False


def at(form: dict[str, str], listener: socket.socket) -> str:
    return form["url"].replace("{port}", str(listener.getsockname()[1]))


def each_form(test: Callable[..., None]) -> Any:
    return pytest.mark.parametrize("form", [pytest.param(one, id=one["form"]) for one in FORMS])(test)


@each_form
def test_it_is_refused_when_an_endpoint_is_registered(
    as_alice: APIClient, listener: socket.socket, form: dict[str, str]
) -> None:
    answer = as_alice.post("/v1/webhooks", {"url": at(form, listener)}, format="json")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["code"] == "validation_error"
    assert error["message"].startswith("url: ")
    assert form["reason"] in error["message"]
    assert not Endpoint.objects.exists()
    assert heard_nothing(listener)


@each_form
def test_in_a_row_nevertheless_it_gets_no_packet(
    alice: Merchant, listener: socket.socket, opened: list[tuple[int, ...]], form: dict[str, str]
) -> None:
    (delivery,) = owe(EndpointFactory(merchant=alice, url=at(form, listener)))
    assert pump.run(60) == 1
    (attempt,) = attempts_of(delivery)
    assert attempt.error in {"address_refused", "dns_error"}
    assert attempt.status_code is None
    assert opened == []
    assert heard_nothing(listener)


@each_form
def test_it_is_refused_when_an_endpoint_is_changed(
    as_alice: APIClient, alice: Merchant, listener: socket.socket, form: dict[str, str]
) -> None:
    endpoint = EndpointFactory(merchant=alice)
    path = f"/v1/webhooks/{endpoint.id}"
    answer = as_alice.patch(path, {"url": at(form, listener)}, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"].startswith("url: ")
    assert Endpoint.objects.get().url == endpoint.url
    assert heard_nothing(listener)


BY_HAND = {
    "test": "/v1/webhooks/{endpoint}/test",
    "enable": "/v1/webhooks/{endpoint}/enable",
    "resend": "/v1/deliveries/{delivery}/resend",
}


@pytest.mark.parametrize("url", ["https://2130706433:{port}/", "http://[::ffff:7f00:1]:{port}/"])
@pytest.mark.parametrize("way", BY_HAND)
def test_what_is_sent_by_hand_takes_the_same_path(
    as_alice: APIClient,
    alice: Merchant,
    listener: socket.socket,
    opened: list[tuple[int, ...]],
    way: str,
    url: str,
) -> None:
    endpoint = EndpointFactory(merchant=alice, url=at({"url": url}, listener))
    (delivery,) = owe(endpoint)
    Endpoint.objects.update(state="paused")
    path = BY_HAND[way].format(endpoint=endpoint.id, delivery=delivery.id)
    assert as_alice.post(path).status_code == 202
    assert pump.run(60) == 1
    (attempt,) = Attempt.objects.all()
    assert (attempt.error, attempt.trigger) == ("address_refused", "manual" if way == "resend" else "test")
    assert opened == []
    assert heard_nothing(listener)


def test_somebody_who_listens_would_have_heard_a_connection(
    alice: Merchant, listener: socket.socket, opened: list[tuple[int, ...]], settings
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.DELIVERY_DEADLINE = 2
    (delivery,) = owe(
        EndpointFactory(merchant=alice, url=at({"url": "https://2130706433:{port}/"}, listener))
    )
    pump.run(60)
    assert attempts_of(delivery)[0].address == "127.0.0.1"
    assert len(opened) == 1
    assert not heard_nothing(listener)
