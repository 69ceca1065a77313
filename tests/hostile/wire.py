"""A carrier that sends, byte for byte, what a test says; all24, 247Express and Ship24 in one."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.serving import serving

#: What the parcel is named by in the query, at all24 and at 247Express.
_NAMES = ("hs_order_ref", "ordercode")


class WireServer(ThreadingHTTPServer):
    """Sends `messages[name]`, by number or by tracker id. It hangs up after those that are in `broken`."""

    request_queue_size = 512
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: dict[str, bytes | Iterable[bytes]] = {}
        self.broken: set[str] = set()
        #: Bytes that were sent of messages that come in parts.
        self.sent = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has read enough is no news here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WireServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        (name,) = next((query[one] for one in _NAMES if one in query), [parts.path.split("/")[-2]])
        self.close_connection = name in self.server.broken
        told = self.server.messages[name]
        with suppress(OSError):
            if isinstance(told, bytes):
                self.wfile.write(told)
                return
            for part in told:
                self.wfile.write(part)
                self.server.sent += len(part)

    def do_POST(self) -> None:
        """Ship24's way to make a tracker, or to change it: as it likes."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.dumps({"data": {"tracker": {}}}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PATCH = do_POST  # noqa: N815 (http.server's names)

    def log_message(self, *args: Any) -> None:
        """Tests are quiet."""


@contextmanager
def wire_server() -> Iterator[WireServer]:
    """A carrier that runs while the block does."""
    with serving(WireServer()) as server:
        yield server
