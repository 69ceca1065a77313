"""Connections that come to no answer: what a try leaves on record, and what follows from it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import certifi
import pytest

from accounts.models import Merchant
from tests.hostile.answers import RESET
from tests.subscribers import subscriber
from tests.webhooks.cast import EndpointFactory
from tests.webhooks.tls import certificate
from tests.webhooks.trying import check_what_follows, try_once, try_with_time_enough
from webhooks import transport

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _rules(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture(autouse=True)
def _own_wire(monkeypatch) -> None:
    """Kept connections and certificates are of one test."""
    monkeypatch.setattr(transport, "_of_thread", threading.local())


@contextmanager
def closed_port() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


@contextmanager
def full_queue() -> Iterator[str]:
    """The kernel takes no more connections: its answer to ours never comes."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


@contextmanager
def silent(scheme: str) -> Iterator[str]:
    """The kernel takes the connection, and nobody ever reads from it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/"


@contextmanager
def no_such_name() -> Iterator[str]:
    yield "https://nobody.invalid/"


@contextmanager
def private_address() -> Iterator[str]:
    yield "https://10.0.0.1/"


@contextmanager
def plain_behind_https() -> Iterator[str]:
    with subscriber() as server:
        yield server.url().replace("http:", "https:")


@contextmanager
def https_behind_plain(folder: Path) -> Iterator[str]:
    with subscriber(certificate(folder)) as server:
        yield server.url().replace("https:", "http:")


@contextmanager
def certified(folder: Path, host: str = "127.0.0.1", until: int = 1) -> Iterator[str]:
    with subscriber(certificate(folder, host=host, days=(-2, until))) as server:
        yield server.url()


Place = Callable[[Path], AbstractContextManager[str]]


@pytest.mark.parametrize(
    ("place", "error", "address"),
    [
        pytest.param(lambda _: closed_port(), "connection_refused", "", id="closed port"),
        pytest.param(lambda _: full_queue(), "connect_timeout", "", id="nobody takes the connection"),
        pytest.param(lambda _: silent("http"), "timeout", "127.0.0.1", id="nobody reads the request"),
        pytest.param(lambda _: silent("https"), "connect_timeout", "127.0.0.1", id="silent handshake"),
        pytest.param(lambda _: no_such_name(), "dns_error", "", id="no such name"),
        pytest.param(lambda _: private_address(), "address_refused", "10.0.0.1", id="private address"),
        pytest.param(lambda _: plain_behind_https(), "tls_error", "127.0.0.1", id="https to a plain port"),
        pytest.param(https_behind_plain, RESET, "127.0.0.1", id="http to a TLS port"),
        pytest.param(certified, "tls_error", "127.0.0.1", id="self-signed"),
    ],
)
def test_what_a_connection_without_an_answer_leaves_on_record(
    alice: Merchant, tmp_path: Path, place: Place, error: str, address: str
) -> None:
    with place(tmp_path) as url:
        endpoint = EndpointFactory(merchant=alice, url=url)
        tried = try_with_time_enough(endpoint, error) if "timeout" in error else try_once(endpoint)
    assert (tried.attempt.error, tried.attempt.status_code) == (error, None)
    assert tried.attempt.response_body == ""
    assert tried.attempt.response_headers == {}
    assert tried.attempt.address == address
    check_what_follows(endpoint, tried, error)


@pytest.mark.parametrize(
    ("host", "until", "error"),
    [
        pytest.param("127.0.0.1", 1, "", id="right"),
        pytest.param("127.0.0.2", 1, "tls_error", id="of another host"),
        pytest.param("127.0.0.1", -1, "tls_error", id="expired"),
    ],
)
def test_a_certificate_of_a_trusted_issuer_must_be_of_this_host_and_of_today(
    alice: Merchant, tmp_path: Path, monkeypatch, host: str, until: int, error: str
) -> None:
    with certified(tmp_path, host, until) as url:
        monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "server.pem"))
        endpoint = EndpointFactory(merchant=alice, url=url)
        tried = try_once(endpoint)
    assert tried.attempt.error == error
    check_what_follows(endpoint, tried, error)
