"""The one HTTP client towards carriers. Nothing that a carrier does makes it wait, grow or stray.

One deadline runs from the look-up of the name to the last byte, however slowly they come. The address that is
checked is the one connected to. Errors never carry a URL: its query may hold a key.
"""

import json
import logging
import socket
import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from time import monotonic
from urllib.parse import urlencode

import certifi
from django.conf import settings
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Url, parse_url
from urllib3.util.retry import Retry

from carriers.adapter import Answer, Request
from carriers.exceptions import BadResponse, Unreachable
from carriers.sockets import TOO_LATE, TlsSocket, connected, deadline

#: Seconds after which an unused connection is not trusted any more: servers close them without a word.
IDLE = 5.0
CHUNK = 64 * 1024
#: Only a connection that was not made is tried twice.
_RETRIES = Retry(total=None, connect=1, read=0, redirect=0, status=0, other=0)

# urllib3 logs the URLs that it retries, and their queries hold keys.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class HttpClient:
    """A `carriers.adapter.Client`. Safe for threads: calls at the same time have connections of their own."""

    def __init__(self, trusted: Path | None = None) -> None:
        """`trusted`: certificates to trust instead of the public ones."""
        self._tls = ssl.create_default_context(cafile=trusted or certifi.where())
        self._tls.sslsocket_class = TlsSocket
        #: What no call uses; the last one used is the first that is taken.
        self._idle: deque[_Connections] = deque()

    def send(self, request: Request) -> Answer:
        """Send it, without proxies and without following redirects: those are answers too.

        Nothing that may have reached the carrier is sent again: only a connection that was not made is tried
        twice. Raises Unreachable for what never answered or broke off, on a kept connection too, and
        BadResponse for a body that is larger than CARRIER_BODY_LIMIT or compressed.
        """
        deadline.start(settings.CARRIER_DEADLINE)
        try:
            with self._connections() as connections, connections.sent(request) as response:
                # One that came twice is both, as one.
                headers = {name.lower(): value for name, value in response.headers.itermerged()}
                return Answer(response.status, headers, _body(response, headers))
        except (HTTPError, OSError, ValueError) as error:
            raise Unreachable(_reason(error)) from None

    def close(self) -> None:
        """Close the connections that no call uses."""
        while self._idle:
            self._idle.pop().clear()

    @contextmanager
    def _connections(self) -> Iterator["_Connections"]:
        try:
            taken = self._idle.pop()
        except IndexError:
            taken = _Connections(self._tls)
        taken.use()
        try:
            yield taken
        finally:
            self._idle.append(taken)
            self._let_go()

    def _let_go(self) -> None:
        """Of what was wanted for many calls at once and is wanted no more, close the oldest."""
        with suppress(IndexError):
            oldest = self._idle.popleft()
            if oldest.is_old():
                oldest.clear()
            else:
                self._idle.appendleft(oldest)


class _PlainConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        try:
            return connected(self._dns_host, self.port, plain=True)
        except OSError as error:
            raise NewConnectionError(self, "refused") from error


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        try:
            return connected(self._dns_host, self.port, plain=False)
        except OSError as error:
            raise NewConnectionError(self, "refused") from error


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Connections(PoolManager):
    """What one call at a time has: connections to the carriers that it was used for, over our own sockets."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(maxsize=1, ssl_context=tls, cert_reqs="CERT_REQUIRED")
        self.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        self._used_at = monotonic()

    def use(self) -> None:
        """Close what was not used for too long."""
        if self.is_old():
            self.clear()
        self._used_at = monotonic()

    def is_old(self) -> bool:
        """Whether no call has used them for too long."""
        return monotonic() - self._used_at > IDLE

    def sent(self, request: Request) -> BaseHTTPResponse:
        """The answer, as soon as it begins. Close it."""
        url = _parsed(request.url)
        headers = {
            "User-Agent": f"Parcelwire/{settings.VERSION}",
            "Accept-Encoding": "identity",
            **request.headers,
        }
        body = None
        if request.json is not None:
            body = json.dumps(request.json, allow_nan=False).encode()
            headers["Content-Type"] = "application/json"
        return self.connection_from_host(url.host, url.port, url.scheme).urlopen(
            request.method,
            _target(url, request.params),
            body,
            headers,
            retries=_RETRIES,
            redirect=False,
            assert_same_host=False,
            timeout=settings.CARRIER_DEADLINE,
            preload_content=False,
            decode_content=False,
        )


@lru_cache(1000)
def _parsed(url: str) -> Url:
    return parse_url(url)


def _target(url: Url, params: dict[str, str]) -> str:
    if not params:
        return url.request_uri
    return f"{url.request_uri}{'&' if url.query else '?'}{urlencode(params)}"


def _body(response: BaseHTTPResponse, headers: dict[str, str]) -> bytes:
    limit = settings.CARRIER_BODY_LIMIT
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise BadResponse("The carrier sent a compressed answer, which we did not ask for")
    body = bytearray()
    while len(body) <= limit:
        part = response.read(min(CHUNK, limit + 1 - len(body)), decode_content=False)
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
