"""Tries over connections that are kept alive: named rightly, and made once."""

from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest

from accounts.models import Merchant
from tests import subscribers
from tests.subscribers import Subscriber, status, subscriber
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory, attempts_of, due_now, owe
from tests.webhooks.deadlines import with_time_enough
from tests.webhooks.test_transport import outgoing, send
from tests.webhooks.tls import certificate
from webhooks import pump
from webhooks.exchanges import Failure, Result
from webhooks.transport import Wire, wire


@pytest.fixture(autouse=True)
def _deadlines(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture(params=["http", "https"])
def server(request, tmp_path: Path, monkeypatch) -> Iterator[Subscriber]:
    context = certificate(tmp_path) if request.param == "https" else None
    monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "server.pem"))
    with subscriber(context) as running:
        yield running


@pytest.fixture
def own() -> Iterator[Wire]:
    made = Wire(wire().allowed)
    yield made
    made.close()


def closed_by_reset(handler: subscribers.Handler) -> None:
    """Reset without a byte."""
    handler.close_connection = True
    handler.connection.setsockopt(
        subscribers.socket.SOL_SOCKET,
        subscribers.socket.SO_LINGER,
        subscribers.struct.pack("ii", 1, 0),
    )


def test_a_hanging_answer_on_a_kept_connection_is_a_time_out(server: Subscriber, own: Wire, settings) -> None:
    def on_a_kept_connection() -> Result:
        server.answer("/hook", status(200), subscribers.hang)
        settings.DELIVERY_DEADLINE, deadline = 60, settings.DELIVERY_DEADLINE
        assert send(outgoing(server.url()), on=own)[0].failure is None
        settings.DELIVERY_DEADLINE = deadline
        (result,) = send(outgoing(server.url()), on=own)
        return result

    result = with_time_enough(on_a_kept_connection, lambda came: came.failure is Failure.TIMEOUT)
    assert (result.failure, result.status_code, result.address) == (Failure.TIMEOUT, None, "127.0.0.1")


@pytest.mark.parametrize("end", [subscribers.close, closed_by_reset], ids=["close", "reset"])
@pytest.mark.parametrize("size", [20, 200_000])
def test_a_kept_connection_that_ends_without_an_answer_is_one_request_and_a_reset(
    server: Subscriber, own: Wire, end: subscribers.Answer, size: int
) -> None:
    server.answer("/hook", status(200), end, status(200))
    assert send(outgoing(server.url()), on=own)[0].failure is None
    (result,) = send(outgoing(server.url(), b"x" * size), on=own)
    assert (result.failure, result.status_code) == (Failure.CONNECTION_RESET, None)
    assert len(server.heard()) == 2
    (result,) = send(outgoing(server.url(), b"y" * size), on=own)
    assert result.failure is None
    assert [len(each.body) for each in server.heard()][1:] == [size, size]


def test_a_connection_that_was_closed_while_idle_is_not_used_and_no_try_is_lost(
    server: Subscriber, own: Wire
) -> None:
    def close_after(handler: subscribers.Handler) -> None:
        handler.close_connection = True
        status(200)(handler)

    server.answer("/hook", close_after)
    for _ in range(5):
        assert send(outgoing(server.url()), on=own)[0].failure is None
        eventually(lambda: not server._connections)
    assert len(server.heard()) == 5


def test_bodies_arrive_whole_one_after_the_other_on_the_same_handle(server: Subscriber, own: Wire) -> None:
    bodies = [b"a" * 300_000, b"b", b"c" * 70_000, b"{}"]
    for body in bodies:
        assert send(outgoing(server.url(), body), on=own)[0].failure is None
    assert [each.body for each in server.heard()] == bodies


@pytest.mark.django_db
def test_each_request_that_a_subscriber_got_is_an_attempt_on_record(
    alice: Merchant,
) -> None:
    with subscriber() as server:
        server.answer("/hook", status(200), subscribers.close, status(200))
        endpoint = EndpointFactory(merchant=alice, url=server.url())
        owe(endpoint)
        pump.run(60)
        (delivery,) = owe(endpoint)
        pump.run(60)
        due_now(delivery)
        pump.run(60)
        assert [each.error for each in attempts_of(delivery)] == ["connection_reset", ""]
        assert len(server.heard()) == 3
