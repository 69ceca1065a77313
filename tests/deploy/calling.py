"""Calls to Parcelwire as the world makes them: through the proxy, by its name."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import Any

from config import loopback
from tests.deploy.proxy import HOST, Proxy


@dataclass(frozen=True)
class Answer:
    """What came back; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


def call(
    proxy: Proxy,
    method: str,
    path: str,
    body: Any = None,
    *,
    secure: bool = True,
    key: str = "",
    **headers: str,
) -> Answer:
    """One call; `headers` are written with _ for -. A body that is no bytes is sent as JSON."""
    sent = {"Host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
    sent |= {"Authorization": f"Bearer {key}"} if key else {}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        sent |= {"Content-Type": "application/json"}
    connection = _connection(proxy, secure=secure)
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, named, answer.read())
    finally:
        connection.close()


def _connection(proxy: Proxy, *, secure: bool) -> HTTPConnection:
    if not secure:
        return HTTPConnection(loopback.HOST, proxy.http, timeout=120)
    trusted = ssl.create_default_context(cafile=proxy.folder / "server.pem")
    return HTTPSConnection(loopback.HOST, proxy.https, timeout=120, context=trusted)
