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
from typing import Any
from urllib.parse import urlencode

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
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
        self._tls = ssl.create_default_context(cafile=trusted or DEFAULT_CA_BUNDLE_PATH)
        self._tls.sslsocket_class = TlsSocket
        #: What no call uses, by carrier; the last one used is the first that is taken.
        self._idle: dict[str, deque[_Connection]] = {}
        self._look_at = monotonic() + IDLE

    def send(self, request: Request) -> Answer:
        """Send it, without proxies and without following redirects: those are answers too.

        Nothing that may have reached the carrier is sent again: only a connection that was not made is tried
        twice. Raises Unreachable for what never answered or broke off, on a kept connection too, and
        BadResponse for a body that is larger than CARRIER_BODY_LIMIT or compressed.
        """
        deadline.start(settings.CARRIER_DEADLINE)
        try:
            with self._connection(request) as connection, connection.sent(request) as response:
                # One that came twice is both, as one.
                headers = {name.lower(): value for name, value in response.raw.headers.itermerged()}
                return Answer(response.status_code, headers, _body(response.raw, headers))
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise Unreachable(_reason(error)) from None

    def close(self) -> None:
        """Close the connections that no call uses."""
        for idle in self._idle.values():
            while idle:
                idle.pop().close()

    @contextmanager
    def _connection(self, request: Request) -> Iterator["_Connection"]:
        carrier = _parsed(request.url).netloc or ""
        try:
            taken = self._idle[carrier].pop()
        except (KeyError, IndexError):
            taken = _Connection(self._tls)
        taken.use()
        try:
            yield taken
        finally:
            self._idle.setdefault(carrier, deque()).append(taken)
            self._let_go()

    def _let_go(self) -> None:
        """Now and then, close what no call has used for too long, wherever it leads."""
        if monotonic() < self._look_at:
            return
        self._look_at = monotonic() + IDLE
        for idle in list(self._idle.values()):
            with suppress(IndexError):  # another call may take what is looked at
                while idle[0].is_old():
                    idle.popleft().close()


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


class _Connection(HTTPAdapter):
    """requests' transport over our own sockets: one connection, for one call at a time to one carrier."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._used_at = monotonic()
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=_RETRIES)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:  # noqa: FBT001, FBT002
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._tls, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context has its certificates; requests would read its own bundle for every connection."""
        conn.cert_reqs = "CERT_REQUIRED"

    def get_connection_with_tls_context(self, request: Any, *args: Any, **options: Any) -> HTTPConnectionPool:
        """By the address alone: all else is the same for every call, and no proxy is asked."""
        url: Url = request.carrier
        pool: HTTPConnectionPool = self.poolmanager.connection_from_host(url.host, url.port, url.scheme)
        return pool

    def request_url(self, request: Any, proxies: Any) -> str:
        """Path and query, as the call has made them."""
        return str(request.target)

    def build_response(
        self, request: requests.PreparedRequest, answer: BaseHTTPResponse
    ) -> requests.Response:
        """What is read of an answer: no cookies, no hooks, no encodings."""
        response = requests.Response()
        response.status_code, response.raw = answer.status, answer
        return response

    def use(self) -> None:
        """Close what was not used for too long."""
        if self.is_old():
            self.close()
        self._used_at = monotonic()

    def is_old(self) -> bool:
        """Whether no call has used them for too long."""
        return monotonic() - self._used_at > IDLE

    def sent(self, request: Request) -> requests.Response:
        """The answer, as soon as it begins. Close it."""
        return self.send(_Prepared(request), stream=True, timeout=settings.CARRIER_DEADLINE)


class _Prepared(requests.PreparedRequest):
    """A request that is made from parts known to be good: requests would look at each of them again."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.carrier = _parsed(request.url)
        self.target = _target(self.carrier, request.params)
        self.method, self.url = request.method.value, request.url
        self.headers = CaseInsensitiveDict(
            {
                "User-Agent": f"Parcelwire/{settings.VERSION}",
                "Accept-Encoding": "identity",
                **request.headers,
            }
        )
        if request.json is not None:
            self.body = json.dumps(request.json, allow_nan=False).encode()
            self.headers["Content-Type"] = "application/json"
            self.headers["Content-Length"] = str(len(self.body))


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
