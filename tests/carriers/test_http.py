"""The client against servers that do what servers do."""

import logging
import socket
import ssl
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from time import monotonic

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django.fixtures import Settings

from carriers import http, sockets
from carriers.adapter import Method, Request
from carriers.exceptions import BadResponse, CarrierError, Unreachable
from carriers.http import HttpClient
from carriers.registry import adapter
from tests.carriers.payloads import query
from tests.carriers.servers import Behaviour, answer, serving
from tests.ship24_server import ship24_server
from tests.waiting import eventually

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
MEGABYTE = b" " * 1024 * 1024


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings: Settings) -> None:
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture(autouse=True)
def _connections_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is."""
    monkeypatch.setattr(http, "IDLE", 600.0)


@pytest.fixture
def client() -> Iterator[HttpClient]:
    made = HttpClient()
    yield made
    made.close()


def failure(client: HttpClient, url: str, **params: str) -> CarrierError:
    with pytest.raises(CarrierError) as raised:
        client.send(Request(url, params))
    return raised.value


def test_an_answer_comes_whole_with_its_status_and_lower_case_headers(client: HttpClient) -> None:
    with serving(answer(b'{"a": 1}', "429 Too Many Requests", "Retry-After: 7")) as server:
        got = client.send(Request(server.url + "/v1", {"q": "ä b&c"}, {"HS-Api-Key": "k"}))
    assert (got.status, got.headers["retry-after"], got.body) == (429, "7", b'{"a": 1}')
    head = server.requests[0].lower()
    assert head.startswith("get /v1?q=%c3%a4+b%26c http/1.1")
    assert "hs-api-key: k" in head
    assert "user-agent: parcelwire/" in head
    assert "accept-encoding: identity" in head


def test_a_connection_is_kept_for_the_next_question(client: HttpClient) -> None:
    with serving(answer(b"{}")) as server:
        for _ in range(3):
            client.send(Request(server.url))
    assert (len(server.requests), server.connections) == (3, 1)


@pytest.mark.parametrize("method", [Method.POST, Method.PATCH])
def test_a_body_goes_as_json(client: HttpClient, method: Method) -> None:
    with ship24_server() as server:
        client.send(
            Request(f"{server.url}/x", {"a": "b"}, {"X-Key": "k"}, method, {"clientTrackerId": "\u00e4"})
        )
        (sent,) = server.sent
    assert (sent.method, sent.path, sent.query) == (method, "/x", {"a": ["b"]})
    assert sent.body == {"clientTrackerId": "\u00e4"}


def test_nothing_that_was_sent_is_sent_again(client: HttpClient) -> None:
    """The carrier may have done it: a kept connection that breaks is no reason to do it twice."""
    with serving(lambda peer: peer.shutdown(socket.SHUT_RDWR)) as server, pytest.raises(Unreachable):
        client.send(Request(server.url, method=Method.POST, json={}))
    assert len(server.requests) == 1


def test_an_old_connection_is_not_trusted(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "IDLE", -1.0)
    with serving(answer(b"{}")) as server:
        for _ in range(3):
            client.send(Request(server.url))
    assert server.connections == 3


def test_calls_at_the_same_time_have_connections_of_their_own(client: HttpClient) -> None:
    together = threading.Barrier(4)

    def behave(peer: socket.socket) -> None:
        together.wait(60)
        answer(b"{}")(peer)

    with serving(behave) as server:
        threads = [threading.Thread(target=client.send, args=(Request(server.url),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert server.connections == 4


def test_a_connection_is_kept_for_whichever_thread_asks_next(client: HttpClient) -> None:
    with serving(answer(b"{}")) as server:
        for _ in range(3):
            thread = threading.Thread(target=client.send, args=(Request(server.url),))
            thread.start()
            thread.join()
    assert (len(server.requests), server.connections) == (3, 1)


def test_the_connection_to_a_carrier_that_is_asked_no_more_is_closed_while_others_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "IDLE", 0.0)
    client, closed = HttpClient(), threading.Event()

    def behave(peer: socket.socket) -> None:
        answer(b"{}")(peer)
        if not peer.recv(1):
            closed.set()

    with serving(behave) as left, serving(answer(b"{}")) as asked:
        client.send(Request(left.url))
        eventually(lambda: client.send(Request(asked.url)) and closed.is_set())
    client.close()


def test_a_header_that_cannot_be_sent_is_never_begun(client: HttpClient) -> None:
    with serving(answer(b"{}")) as server, pytest.raises(Unreachable) as raised:
        client.send(Request(server.url, {}, {"HS-Api-Key": "s3cret\r\nX: y"}))
    assert server.requests == []
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "body", [b"<html><body>Maintenance</body></html>", b'{"HSBY37H7": {"hist', b"[]", b"\x00\xff", b""]
)
@pytest.mark.parametrize("courier", ["all24", "247express"])
def test_a_body_that_is_not_the_carriers_own_is_a_bad_response(
    client: HttpClient, courier: str, body: bytes
) -> None:
    carrier = adapter(courier)
    with serving(answer(body)) as server:
        asked = query(courier, "HSBY37H7", base_url=server.url)
        got = carrier.ask(asked, client)
    with pytest.raises(BadResponse):
        carrier.parse(got, asked)


def counted(sent: list[int], *, head: bytes, part: bytes, parts: int) -> Behaviour:
    """Sends a head and up to so many parts, and counts what went out."""

    def behave(peer: socket.socket) -> None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        peer.sendall(head)
        for _ in range(parts):
            peer.sendall(part)
            sent.append(len(part))

    return behave


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(HEAD + b"Content-Length: 52428800\r\n\r\n", id="announced"),
        pytest.param(HEAD + b"Connection: close\r\n\r\n", id="endless"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n100000\r\n", id="chunked"),
    ],
)
def test_a_body_is_read_up_to_the_limit_and_no_further(
    client: HttpClient, settings: Settings, head: bytes
) -> None:
    settings.CARRIER_BODY_LIMIT = 1024 * 1024
    part = MEGABYTE + b"\r\n100000\r\n" if b"chunked" in head else MEGABYTE
    sent: list[int] = []
    with serving(counted(sent, head=head, part=part, parts=50)) as server:
        error = failure(client, server.url)
    assert isinstance(error, BadResponse)
    assert "larger than 1048576 bytes" in error.detail
    assert len(error.conceal("").excerpt) == 500
    assert sum(sent) < 12 * 1024 * 1024  # what fits into the buffers of both ends


def test_a_body_of_just_the_limit_is_taken(client: HttpClient, settings: Settings) -> None:
    settings.CARRIER_BODY_LIMIT = 1024 * 1024
    with serving(answer(MEGABYTE)) as server:
        assert len(client.send(Request(server.url)).body) == 1024 * 1024


def dripping(head: bytes) -> Behaviour:
    """Sends a byte at a time, each soon enough for any time-out of a single read."""
    stop = threading.Event()

    def behave(peer: socket.socket) -> None:
        peer.sendall(head)
        while not stop.wait(0.05):
            peer.sendall(b"x")

    return behave


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(HEAD + b"Content-Length: 1000000\r\n\r\n", id="body"),
        pytest.param(HEAD + b"X-Header: ", id="header"),
        pytest.param(b"HTTP/1.1 2", id="status line"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", id="chunk size"),
    ],
)
def test_a_dripping_server_is_left_at_the_deadline(
    client: HttpClient, settings: Settings, head: bytes
) -> None:
    settings.CARRIER_DEADLINE = 0.4
    started = monotonic()
    with serving(dripping(head)) as server:
        error = failure(client, server.url)
    assert isinstance(error, Unreachable)
    assert error.detail == sockets.TOO_LATE
    assert 0.3 < monotonic() - started < 60


def test_a_silent_server_is_left_at_the_deadline(client: HttpClient, settings: Settings) -> None:
    settings.CARRIER_DEADLINE = 0.3
    with serving(lambda peer: peer.recv(1) and None) as server:
        assert failure(client, server.url).detail == sockets.TOO_LATE


def test_the_next_question_has_a_deadline_of_its_own(client: HttpClient, settings: Settings) -> None:
    settings.CARRIER_DEADLINE = 0.3
    with serving(dripping(HEAD)) as slow, serving(answer(b"{}")) as quick:
        failure(client, slow.url)
        settings.CARRIER_DEADLINE = 60
        assert client.send(Request(quick.url)).body == b"{}"


def test_a_redirect_is_an_answer_and_is_not_followed(client: HttpClient) -> None:
    with serving(answer(b"{}")) as other:
        away = answer(MEGABYTE, "302 Found", f"Location: {other.url}/elsewhere")
        with serving(away) as server:
            got = client.send(Request(server.url, {}, {"HS-Api-Key": "k"}))
    assert got.status == 302
    assert other.requests == []
    with pytest.raises(BadResponse):
        adapter("all24").parse(got, query("all24", "HSBY37H7"))


def test_the_endless_body_of_a_redirect_is_capped_too(client: HttpClient, settings: Settings) -> None:
    settings.CARRIER_BODY_LIMIT = 1024 * 1024
    sent: list[int] = []
    head = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"
    with serving(counted(sent, head=head, part=MEGABYTE, parts=50)) as server:
        assert "larger than" in failure(client, server.url).detail
    assert sum(sent) < 12 * 1024 * 1024


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    peer.close()


def broken_off(peer: socket.socket) -> None:
    peer.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
    peer.close()


def hung_up(peer: socket.socket) -> None:
    peer.close()


def nonsense(peer: socket.socket) -> None:
    peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def many_headers(peer: socket.socket) -> None:
    peer.sendall(HEAD + b"".join(b"X-%d: y\r\n" % nth for nth in range(200)) + b"\r\n{}")


@pytest.mark.parametrize("behaviour", [reset, broken_off, hung_up, nonsense, many_headers])
def test_a_carrier_that_breaks_off_is_unreachable(client: HttpClient, behaviour: Behaviour) -> None:
    with serving(behaviour) as server:
        error = failure(client, server.url)
    assert isinstance(error, Unreachable)
    assert len(server.requests) == 1  # a question that was sent is not sent again


def test_a_compressed_answer_is_refused_unread(client: HttpClient) -> None:
    with serving(answer(b"\x1f\x8b", "200 OK", "Content-Encoding: gzip")) as server:
        assert "compressed" in failure(client, server.url).detail


@pytest.fixture
def closed_port() -> Iterator[int]:
    """One that nobody listens at, nor will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_nobody_listening_is_unreachable(client: HttpClient, closed_port: int) -> None:
    error = failure(client, f"http://127.0.0.1:{closed_port}/")
    assert isinstance(error, Unreachable)
    assert error.detail == "The carrier could not be reached: Connection refused"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://127.0.0.1/",
        "http://",
        "http://[::1/",
        "http://127.0.0.1:99999/",
        "http://xn--/",
        "http://" + "a" * 70 + "/",
    ],
)
def test_an_address_that_is_none_is_unreachable(client: HttpClient, url: str) -> None:
    assert isinstance(failure(client, url), Unreachable)


def test_a_name_that_does_not_resolve_is_unreachable(client: HttpClient) -> None:
    assert failure(client, "https://nobody.invalid/").detail in {
        "The carrier's name does not resolve",
        "The carrier's name was not resolved in time",
    }


def test_a_look_up_that_hangs_is_left_behind(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "CONNECT_DEADLINE", 0.2)
    done = threading.Event()
    monkeypatch.setattr(http.socket, "getaddrinfo", lambda *_args, **_options: done.wait(30) and [])
    assert "not resolved in time" in failure(client, "https://slow.example/").detail
    done.set()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "127.1", "[::ffff:127.0.0.1]"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_private_address_is_refused_where_the_socket_opens(
    client: HttpClient, settings: Settings, host: str, scheme: str
) -> None:
    settings.CARRIER_ALLOWED_NETWORKS = []
    with serving(answer(b"{}")) as server:
        error = failure(client, f"{scheme}://{host}:{server.url.rpartition(':')[2]}/")
    assert isinstance(error, Unreachable)
    assert "may not be called" in error.detail
    assert server.connections == 0


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every name resolves to these addresses; which of them is called is the client's choice."""

    def look_up(_host: str, port: int, **_options: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(http.socket, "getaddrinfo", look_up)


def test_plain_http_to_a_public_address_is_refused(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving_to(monkeypatch, "93.184.216.34")
    error = failure(client, "http://carrier.example/")
    assert "outside CARRIER_ALLOWED_NETWORKS" in error.detail


def test_the_address_that_was_checked_is_the_one_connected_to(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(answer(b"{}")) as server:
        port = server.url.rpartition(":")[2]
        resolving_to(monkeypatch, "10.0.0.1", "127.0.0.1")
        assert client.send(Request(f"http://carrier.example:{port}/")).status == 200
    assert f"host: carrier.example:{port}" in server.requests[0].lower()


def test_proxies_of_the_environment_are_not_used(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer(b"proxied")) as proxy, serving(answer(b"direct")) as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert client.send(Request(server.url)).body == b"direct"
    assert proxy.requests == []


@pytest.mark.parametrize("behaviour", [None, reset, nonsense])
def test_a_key_in_the_query_reaches_no_error_and_no_log_line(
    client: HttpClient, caplog: pytest.LogCaptureFixture, closed_port: int, behaviour: Behaviour | None
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(behaviour or reset) as server:
        url = server.url if behaviour else f"http://127.0.0.1:{closed_port}"
        error = failure(client, f"{url}/Tracking", apikey="s3cret")
    assert isinstance(error, Unreachable)
    assert "s3cret" not in "".join(traceback.format_exception(error))
    assert "s3cret" not in caplog.text


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(client: HttpClient, certificate: Path) -> None:
    with serving(answer(b"{}"), server_side(certificate)) as server:
        error = failure(client, server.url)
    assert error.detail == "The carrier's certificate is not to be trusted"
    assert server.requests == []


def test_a_certificate_of_another_name_is_not_accepted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = HttpClient(trusted=certificate)
    with serving(answer(b"{}"), server_side(certificate)) as server:
        port = server.url.rpartition(":")[2]
        resolving_to(monkeypatch, "127.0.0.1")
        assert "certificate" in failure(client, f"https://carrier.example:{port}/").detail
    client.close()


def test_over_tls_an_answer_comes_and_a_drip_is_left_too(certificate: Path, settings: Settings) -> None:
    client = HttpClient(trusted=certificate)
    with serving(answer(b'{"a": 1}'), server_side(certificate)) as server:
        assert client.send(Request(server.url)).body == b'{"a": 1}'
        settings.CARRIER_DEADLINE = 0.4
        server.behaviour = dripping(HEAD + b"Content-Length: 1000\r\n\r\n")
        started = monotonic()
        assert failure(client, server.url).detail == sockets.TOO_LATE
        assert monotonic() - started < 60
    client.close()


def test_a_handshake_that_never_ends_is_left_at_the_deadline(client: HttpClient, settings: Settings) -> None:
    settings.CARRIER_DEADLINE = 0.3
    with serving(lambda _: None) as server:
        error = failure(client, server.url.replace("http://", "https://"))
    assert isinstance(error, Unreachable)
    assert error.detail == sockets.TOO_LATE
