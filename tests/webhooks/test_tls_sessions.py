"""TLS sessions and connections that are used again: whoever closes after each answer is spared handshakes."""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import certifi
import pytest

from tests.h2_subscriber import h2_subscriber
from tests.subscribers import Handler, Subscriber, status, subscriber
from tests.waiting import eventually
from tests.webhooks.test_transport import outgoing, send
from tests.webhooks.tls import certificate
from webhooks.transport import Wire, wire


@pytest.fixture(autouse=True)
def _rules(settings, tmp_path: Path, monkeypatch) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "server.pem"))


@pytest.fixture
def own() -> Iterator[Wire]:
    made = Wire(wire().allowed)
    yield made
    made.close()


def limited(folder: Path, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = certificate(folder)
    context.maximum_version = version
    return context


def trusted(folder: Path) -> ssl.SSLContext:
    """Another server with the certificate that is in the folder."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def close_after(server: Subscriber) -> list[bool]:
    """Have the server close after each answer. Whether each connection's session was an earlier one's."""
    resumed: list[bool] = []

    def answer(handler: Handler) -> None:
        resumed.append(bool(handler.connection.session_reused))
        handler.close_connection = True
        status(200, {"connection": "close"})(handler)
        handler.wfile.flush()
        # A server forgets the session of a connection that ends without this.
        with suppress(OSError):
            handler.connection.unwrap()

    server.answer("/hook", answer)
    return resumed


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_closes_after_each_answer_sees_its_session_again(
    tmp_path: Path, own: Wire, version: ssl.TLSVersion
) -> None:
    with subscriber(limited(tmp_path, version)) as server:
        resumed = close_after(server)
        for _ in range(4):
            assert send(outgoing(server.url()), on=own)[0].failure is None
        assert resumed == [False, True, True, True]


def test_a_session_is_used_again_by_whichever_handle_comes_next(tmp_path: Path, own: Wire) -> None:
    with subscriber(certificate(tmp_path)) as server, subscriber() as other:
        resumed = close_after(server)
        send(outgoing(server.url()), on=own)
        results = send(outgoing(other.url()), outgoing(server.url()), on=own)
        assert {result.failure for result in results} == {None}
        assert resumed == [False, True]


def test_over_http_2_too(tmp_path: Path, own: Wire) -> None:
    with h2_subscriber(certificate(tmp_path)) as server:
        for _ in range(3):
            assert send(outgoing(server.url()), on=own)[0].failure is None
            server.hang_up()
        assert [each.resumed for each in server.connections] == [False, True, True]


def test_one_that_knows_no_session_any_more_is_greeted_anew(tmp_path: Path, own: Wire) -> None:
    context = certificate(tmp_path)
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    with subscriber(context) as server:
        resumed = close_after(server)
        for _ in range(3):
            assert send(outgoing(server.url()), on=own)[0].failure is None
        assert resumed == [False, False, False]


def test_connections_are_kept_for_each_host(tmp_path: Path, own: Wire) -> None:
    with subscriber(certificate(tmp_path)) as one, subscriber() as two:
        for _ in range(5):
            results = send(outgoing(one.url()), outgoing(two.url()), on=own)
            assert {result.failure for result in results} == {None}
        assert [len(one._connections), len(two._connections)] == [1, 1]
        eventually(lambda: len(one.heard()) == len(two.heard()) == 5)


def test_the_sessions_of_many_hosts_are_kept(tmp_path: Path, own: Wire) -> None:
    with ExitStack() as stack:
        certificate(tmp_path)
        servers = [stack.enter_context(subscriber(trusted(tmp_path))) for _ in range(50)]
        resumed = [close_after(server) for server in servers]
        for _ in range(2):
            for server in servers:
                assert send(outgoing(server.url()), on=own)[0].failure is None
    assert sum(each == [False, True] for each in resumed) > 40
