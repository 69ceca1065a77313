"""The one HTTP client towards carriers. Nothing that a carrier does makes it wait, grow or stray.

One deadline runs from the look-up of the name to the last byte, however slowly they come. The address that is
checked is the one connected to. Errors never carry a URL: its query may hold a key.
"""

import logging
import queue
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError
from urllib3.util.retry import Retry

from accounts.addresses import allows, networks, refusal
from carriers.adapter import Answer, Request
from carriers.exceptions import BadResponse, Unreachable

#: Seconds of the deadline that one address, and the look-up of a name, may take.
CONNECT_DEADLINE = 5.0
#: Seconds after which an unused connection is not trusted any more: servers close them without a word.
IDLE = 5.0
CHUNK = 64 * 1024
TOO_LATE = "The carrier did not answer whole in time"

# urllib3 logs the URLs that it retries, and their queries hold keys.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class HttpClient:
    """A `carriers.adapter.Client`. Safe for threads: each keeps connections of its own."""

    def __init__(self, trusted: Path | None = None) -> None:
        """`trusted`: certificates to trust instead of the public ones."""
        self._tls = ssl.create_default_context(cafile=trusted or DEFAULT_CA_BUNDLE_PATH)
        self._tls.sslsocket_class = _TlsSocket
        self._kept = threading.local()

    def send(self, request: Request) -> Answer:
        """Send it, without proxies and without following redirects: those are answers too.

        Nothing that may have reached the carrier is sent again: only a connection that was not made is tried
        twice. Raises Unreachable for what never answered or broke off, on a kept connection too, and
        BadResponse for a body that is larger than CARRIER_BODY_LIMIT or compressed.
        """
        _deadline.start(settings.CARRIER_DEADLINE)
        headers = {
            "User-Agent": f"Parcelwire/{settings.VERSION}",
            "Accept-Encoding": "identity",
            **request.headers,
        }
        try:
            # Not through a session: where it does not follow a redirect, it reads that answer's body whole.
            prepared = requests.Request(
                request.method, request.url, headers, params=request.params, json=request.json
            ).prepare()
            with self._adapter().send(prepared, stream=True, timeout=settings.CARRIER_DEADLINE) as response:
                found = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, found, _body(response, found))
        except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
            raise Unreachable(_reason(error)) from None

    def close(self) -> None:
        """Close this thread's connections."""
        if hasattr(self._kept, "adapter"):
            self._kept.adapter.close()

    def _adapter(self) -> HTTPAdapter:
        adapter: HTTPAdapter | None = getattr(self._kept, "adapter", None)
        if adapter is None:
            adapter = self._kept.adapter = _Adapter(self._tls)
        elif monotonic() - self._kept.used_at > IDLE:
            adapter.close()
        self._kept.used_at = monotonic()
        return adapter


class _Deadline(threading.local):
    """When this thread's call must have ended."""

    ends = 0.0

    def start(self, seconds: float) -> None:
        self.ends = monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left. Raises Unreachable where none are."""
        left = self.ends - monotonic()
        if left <= 0:
            raise Unreachable(TOO_LATE)
        return left


_deadline = _Deadline()


class _Socket(socket.socket):
    """A time-out of a socket is one read's; here every read gets what is left of the whole call."""

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(_deadline.left())
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.settimeout(_deadline.left())
        super().sendall(data, flags)


class _TlsSocket(ssl.SSLSocket):
    """The same over TLS."""

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(_deadline.left())
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.settimeout(_deadline.left())
        super().sendall(data, flags)


class _PlainConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        try:
            return _connected(self._dns_host, self.port, plain=True)
        except OSError as error:
            raise NewConnectionError(self, "refused") from error


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        try:
            return _connected(self._dns_host, self.port, plain=False)
        except OSError as error:
            raise NewConnectionError(self, "refused") from error


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """requests' transport over our own sockets. A carrier that takes no connection is tried twice."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        super().__init__(max_retries=Retry(total=None, connect=1, read=0, redirect=0, status=0, other=0))

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:  # noqa: FBT001, FBT002
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._tls, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context has its certificates; requests would read its own bundle for every connection."""
        conn.cert_reqs = "CERT_REQUIRED"


def _connected(host: str, port: int, *, plain: bool) -> socket.socket:
    """A connection to the first address of `host` that may be called and takes one.

    Raises Unreachable where none may be called, OSError where none takes one.
    """
    failure: OSError | None = None
    refused = None
    for family, kind, protocol, _, address in _resolved(host, port):
        why = _refusal(str(address[0]), plain=plain)
        if why:
            refused = why
            continue
        with ExitStack() as undo:
            opened = undo.enter_context(_Socket(family, kind, protocol))
            try:
                opened.settimeout(min(CONNECT_DEADLINE, _deadline.left()))
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                opened.connect(address)
            except OSError as error:
                failure = error
                continue
            opened.settimeout(_deadline.left())
            undo.pop_all()
            return opened
    if failure is None:
        raise Unreachable(f"The carrier's address may not be called: {refused}")
    raise failure


def _refusal(address: str, *, plain: bool) -> str | None:
    allowed = networks(settings.CARRIER_ALLOWED_NETWORKS)
    if plain and not allows(address, allowed):
        return f"{address} is outside CARRIER_ALLOWED_NETWORKS, and elsewhere it must be https"
    return refusal(address, allowed)


def _resolved(host: str, port: int) -> list[tuple[Any, ...]]:
    """The addresses of a name. Nothing interrupts a look-up; on a thread of its own it can be left behind."""
    answers: queue.SimpleQueue[list[tuple[Any, ...]] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look_up, name="carrier-name", daemon=True).start()
    try:
        found = answers.get(timeout=min(CONNECT_DEADLINE, _deadline.left()))
    except queue.Empty:
        raise Unreachable("The carrier's name was not resolved in time") from None
    if isinstance(found, Exception):
        raise Unreachable("The carrier's name does not resolve")
    return found


def _body(response: requests.Response, headers: dict[str, str]) -> bytes:
    limit = settings.CARRIER_BODY_LIMIT
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise BadResponse("The carrier sent a compressed answer, which we did not ask for")
    body = bytearray()
    while len(body) <= limit:
        part = response.raw.read(min(CHUNK, limit + 1 - len(body)), decode_content=False)
        if not part:
            return bytes(body)
        body += part
    raise BadResponse(f"The answer is larger than {limit} bytes", excerpt=bytes(body))


def _reason(error: Exception) -> str:
    """What went wrong, without the URL that these errors bring along."""
    causes = list(_causes(error))
    if any(isinstance(cause, TimeoutError | ReadTimeoutError) for cause in causes):
        return TOO_LATE
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return "The carrier's certificate is not to be trusted"
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            return f"The carrier could not be reached: {cause.strerror}"
    return f"The carrier could not be reached ({type(error).__name__})"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
