"""The wire against subscribers that behave badly. Real sockets, real servers."""

import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import certifi
import pycurl
import pytest
from uuid_utils.compat import uuid7

from tests import subscribers
from tests.subscribers import Subscriber, subscriber
from tests.webhooks.deadlines import with_time_enough
from tests.webhooks.tls import certificate
from webhooks import transport
from webhooks.answers import BODY_KEPT, HEADER_KEPT, HEADERS_KEPT, SLACK
from webhooks.exchanges import Failure, Outgoing, Result
from webhooks.transport import Wire, resolve, wire

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(autouse=True)
def _deadlines(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def server() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


def outgoing(url: str, body: bytes = b'{"type": "test"}', **headers: str) -> Outgoing:
    return Outgoing(uuid7(), url, tuple(headers.items()), body)


def send(*requests: Outgoing, on: Wire | None = None) -> list[Result]:
    """Send all of them at once; results in the order of the requests."""
    used = on or wire()
    used.start(requests)
    results: dict[object, Result] = {}
    while len(results) < len(requests):
        results |= {result.token: result for result in used.wait(5)}
    return [results[request.token] for request in requests]


def post(url: str, **headers: str) -> Result:
    return send(outgoing(url, **headers))[0]


def test_a_post_arrives_with_its_bytes_and_headers(server: Subscriber) -> None:
    body = b'{"weight": 136.0, "city": "K\xc3\xb6ln"}'
    (result,) = send(outgoing(server.url(), body, **{"content-type": "application/json", "x-own": "1"}))
    (heard,) = server.heard()
    assert (result.failure, result.status_code, result.address) == (None, 200, "127.0.0.1")
    assert heard.body == body
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["x-own"] == "1"
    assert heard.headers["expect"] is None


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(server: Subscriber, code: int) -> None:
    server.answer("/hook", subscribers.status(code))
    assert post(server.url()).failure is None


@pytest.mark.parametrize("code", [400, 404, 410, 429, 500, 503, 599])
def test_another_status_is_a_failure_with_its_code(server: Subscriber, code: int) -> None:
    server.answer("/hook", subscribers.status(code, body=b"no"))
    result = post(server.url())
    assert (result.failure, result.status_code, result.body) == (Failure.HTTP_STATUS, code, b"no")


@pytest.mark.parametrize("code", [301, 302, 303, 304, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(server: Subscriber, code: int) -> None:
    server.answer("/hook", subscribers.status(code, {"location": server.url("/elsewhere")}))
    assert post(server.url()).failure is Failure.REDIRECT
    assert server.heard("/elsewhere") == []


def test_response_headers_are_kept_in_lower_case(server: Subscriber) -> None:
    server.answer("/hook", subscribers.status(429, {"Retry-After": "7"}))
    assert post(server.url()).headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (subscribers.hang, Failure.TIMEOUT),
        (subscribers.close, Failure.CONNECTION_RESET),
        (subscribers.reset, Failure.CONNECTION_RESET),
        (subscribers.raw(b"SSH-2.0-OpenSSH_9.2\r\n"), Failure.CONNECTION_RESET),
        (subscribers.raw(OK + b"x-half: tr"), Failure.CONNECTION_RESET),
        (subscribers.drip(OK + b"x-slow: "), Failure.TIMEOUT),
        (subscribers.flood(OK, b"x-more: 1\r\n"), Failure.CONNECTION_RESET),
        (subscribers.raw(b"HTTP/1.1 abc OK\r\n\r\n"), Failure.CONNECTION_RESET),
    ],
    ids=["hang", "close", "reset", "not-http", "half-headers", "drip-headers", "flood-headers", "no-status"],
)
def test_without_whole_headers_it_is_a_failure(server: Subscriber, answer, failure: Failure) -> None:
    server.answer("/hook", answer)
    result = with_time_enough(lambda: post(server.url()), lambda came: came.failure is failure)
    assert (result.failure, result.status_code) == (failure, None)


@pytest.mark.parametrize(
    "answer",
    [
        subscribers.drip(OK + b"\r\n"),
        subscribers.drip(OK + b"content-length: 1000\r\n\r\n"),
        subscribers.flood(OK + b"\r\n", b"x" * 100),
        subscribers.raw(OK + b"content-length: 1000\r\n\r\nhalf"),
        subscribers.raw(OK + b"transfer-encoding: chunked\r\n\r\nnonsense"),
        subscribers.raw(OK + b"content-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope"),
    ],
    ids=["drip", "drip-with-length", "flood", "cut-off", "bad-chunks", "not-gzip"],
)
def test_what_happens_in_the_body_never_turns_a_2xx_into_a_failure(server: Subscriber, answer) -> None:
    server.answer("/hook", answer)
    result = with_time_enough(lambda: post(server.url()), lambda came: came.failure is None)
    assert (result.failure, result.status_code) == (None, 200)
    assert len(result.body) <= BODY_KEPT + SLACK


def test_a_body_without_end_is_cut_at_its_limit_long_before_the_deadline(
    server: Subscriber,
) -> None:
    server.answer("/hook", subscribers.flood(OK + b"\r\n", b"x" * 100))
    result = post(server.url())
    assert result.body == b"x" * (BODY_KEPT + SLACK)
    assert result.duration_ms < 30_000


def test_1xx_answers_before_the_real_one_leave_nothing_behind(server: Subscriber) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nx-early: 1\r\n\r\n"
    server.answer("/hook", subscribers.raw(early + b"HTTP/1.1 500 No\r\nx-late: 1\r\n\r\n"))
    result = post(server.url())
    assert (result.failure, result.status_code) == (Failure.HTTP_STATUS, 500)
    assert "x-late" in result.headers
    assert "x-early" not in result.headers


def test_only_so_many_response_headers_are_kept(server: Subscriber) -> None:
    lines = b"".join(b"x-%d: %s\r\n" % (number, b"v" * (0 if number else 7_000)) for number in range(80))
    server.answer("/hook", subscribers.raw(OK + lines + b"\r\n"))
    result = post(server.url())
    assert result.failure is None
    assert len(result.headers) == HEADERS_KEPT
    assert max(map(len, result.headers.values())) == HEADER_KEPT + SLACK


def test_a_closed_port_is_connection_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = post(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert (result.failure, result.status_code) == (Failure.CONNECTION_REFUSED, None)


def test_plain_http_opens_no_socket_outside_the_allowed_networks() -> None:
    assert post("http://93.184.216.34/").failure is Failure.ADDRESS_REFUSED


def test_a_name_that_does_not_resolve_is_a_dns_error() -> None:
    result = post("https://nobody.invalid/")
    assert (result.failure, result.address) == (Failure.DNS_ERROR, "")


def test_a_proxy_of_the_environment_is_not_used(server: Subscriber, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert post(server.url()).failure is None


def test_a_certificate_that_nobody_vouches_for_is_a_tls_error(tmp_path: Path) -> None:
    with subscriber(certificate(tmp_path)) as server:
        assert post(server.url()).failure is Failure.TLS_ERROR
        assert server.heard() == []


def test_a_certificate_that_is_trusted_is_fine(tmp_path: Path, monkeypatch) -> None:
    context = certificate(tmp_path)
    monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "server.pem"))
    with subscriber(context) as server:
        result = send(outgoing(server.url()), on=Wire(wire().allowed))[0]
        assert (result.failure, result.status_code) == (None, 200)


def test_a_handshake_that_is_never_answered_is_a_connect_timeout(settings) -> None:
    settings.DELIVERY_CONNECT_DEADLINE = 0.4
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = post(f"https://127.0.0.1:{silent.getsockname()[1]}/")
    assert result.failure is Failure.CONNECT_TIMEOUT


def test_a_plain_server_behind_https_is_a_tls_error(server: Subscriber) -> None:
    assert post(server.url().replace("http:", "https:")).failure is Failure.TLS_ERROR


def test_connections_are_kept_alive_between_tries(server: Subscriber) -> None:
    own = Wire(wire().allowed)
    for _ in range(5):
        assert send(outgoing(server.url()), on=own)[0].failure is None
    own_ports = {handle.getinfo(pycurl.LOCAL_PORT) for handle in (each.handle for each in own._idle)}
    assert len(own_ports) == 1
    own.close()


def test_a_hanging_subscriber_does_not_hold_up_the_others(server: Subscriber) -> None:
    server.answer("/hang", subscribers.hang)
    stuck, fine = outgoing(server.url("/hang")), [outgoing(server.url("/fine")) for _ in range(20)]
    used = wire()
    used.start([stuck, *fine])
    seen: set[object] = set()
    while len(seen) < 20:
        seen |= {result.token for result in used.wait(1)}
    assert stuck.token not in seen
    used.cancel_all()


def test_a_cancelled_transfer_gives_no_result(server: Subscriber) -> None:
    server.answer("/hang", subscribers.hang)
    used, request = wire(), outgoing(server.url("/hang"))
    used.start([request])
    assert used.wait(0.05) == []
    used.cancel([request.token])
    assert used.wait(0.05) == []
    assert post(server.url()).failure is None


def test_many_transfers_at_once_all_end(server: Subscriber) -> None:
    requests = [outgoing(server.url(f"/{number % 7}")) for number in range(transport.CAPACITY)]
    results = send(*requests)
    assert {result.failure for result in results} == {None}


def test_descriptors_over_1024_do_not_make_it_spin(server: Subscriber) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    server.answer("/hook", subscribers.later(0.5, subscribers.status(200)))
    taken = [socket.socket() for _ in range(1_100)]
    try:
        own = Wire(wire().allowed)
        began = time.thread_time()
        assert send(outgoing(server.url()), on=own)[0].failure is None
        assert time.thread_time() - began < 0.2
        own.close()
    finally:
        for each in taken:
            each.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_each_thread_has_a_wire_of_its_own_and_keeps_it() -> None:
    other: list[Wire] = []
    thread = threading.Thread(target=lambda: other.append(wire()))
    thread.start()
    thread.join()
    assert other[0] is not wire()
    assert wire() is wire()


def test_other_rules_mean_another_wire(settings) -> None:
    before = wire()
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    assert wire() is not before


def test_a_host_resolves_to_its_numbers() -> None:
    assert resolve("127.1", 80, 60) == ["127.0.0.1"]
    assert "127.0.0.1" in resolve("localhost", 80, 60)


def test_a_look_up_has_a_deadline(monkeypatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(transport.socket, "getaddrinfo", lambda *_, **__: over.wait(60) and [])
    with pytest.raises(TimeoutError):
        resolve("slow.example", 80, 0.05)
    over.set()
