"""A fake subscriber: a real HTTP server on loopback that answers by script and remembers every request.

with subscriber() as server:
    server.answer("/hook", status(500), status(200))   # the last one repeats
    ...
    server.heard("/hook")[0].body
"""

import socket
import ssl
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.serving import serving
from tests.waiting import eventually


@dataclass(frozen=True)
class Heard:
    """One request as it came in. `at` is time.monotonic()."""

    path: str
    headers: Message
    body: bytes
    at: float


class Handler(BaseHTTPRequestHandler):
    """Reads a request whole, remembers it, and lets the script answer."""

    protocol_version = "HTTP/1.1"
    server: "Subscriber"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        answer = self.server.remember(Heard(self.path, self.headers, body, time.monotonic()))
        try:
            answer(self)
        finally:
            self.server.done(self.path)

    def log_message(self, *args: Any) -> None:
        """Tests are quiet."""


Answer = Callable[[Handler], None]


class Subscriber(ThreadingHTTPServer):
    """The server. `answer` scripts a path; an unscripted one gets 200."""

    # A backlog of 5, the default, makes many connects at once end in time-outs.
    request_queue_size = 512
    daemon_threads = True
    block_on_close = False

    def __init__(self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((host, port), Handler)
        self.closing = threading.Event()
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._lock = threading.Lock()
        self._scripts: dict[str, list[Answer]] = {}
        self._heard: list[Heard] = []
        self._open: dict[str, int] = defaultdict(int)
        self._most_open: dict[str, int] = defaultdict(int)
        self._connections: set[socket.socket] = set()

    def url(self, path: str = "/hook") -> str:
        return f"{self.scheme}://{self.server_address[0]}:{self.server_port}{path}"

    def answer(self, path: str, *answers: Answer) -> None:
        """Script the path's answers in order; the last one repeats."""
        with self._lock:
            self._scripts[path] = list(answers)

    def heard(self, path: str = "/hook") -> list[Heard]:
        with self._lock:
            return [heard for heard in self._heard if heard.path == path]

    def most_at_once(self, path: str = "/hook") -> int:
        """The most requests of this path that were open at the same time."""
        with self._lock:
            return self._most_open[path]

    def wait_for(self, count: int, path: str = "/hook", within: float = 60.0) -> list[Heard]:
        """The requests of a path, as soon as there are this many."""
        eventually(lambda: len(self.heard(path)) >= count, within=within)
        return self.heard(path)

    def remember(self, heard: Heard) -> Answer:
        with self._lock:
            self._heard.append(heard)
            self._open[heard.path] += 1
            self._most_open[heard.path] = max(self._most_open[heard.path], self._open[heard.path])
            script = self._scripts.get(heard.path) or [status(200)]
            return script.pop(0) if len(script) > 1 else script[0]

    def done(self, path: str) -> None:
        with self._lock:
            self._open[path] -= 1

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._lock:
            self._connections.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news here."""

    def stop(self) -> None:
        self.closing.set()
        self.shutdown()
        with self._lock:
            left = list(self._connections)
        for connection in left:
            self.shutdown_request(connection)
        self.server_close()


@contextmanager
def subscriber(
    tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> Iterator[Subscriber]:
    """A subscriber that runs while the block does."""
    with serving(Subscriber(tls, host, port)) as server:
        try:
            yield server
        finally:
            server.stop()


def status(code: int, headers: Mapping[str, str] = {}, body: bytes = b"") -> Answer:
    """Answer at once."""

    def answer(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def after(gate: threading.Event, answer: Answer) -> Answer:
    """Wait for the gate (or the server's end) before answering."""

    def gated(handler: Handler) -> None:
        while not gate.is_set() and not handler.server.closing.is_set():
            gate.wait(0.02)
        answer(handler)

    return gated


def later(seconds: float, answer: Answer) -> Answer:
    """Answer after a while."""

    def delayed(handler: Handler) -> None:
        handler.server.closing.wait(seconds)
        answer(handler)

    return delayed


def hang(handler: Handler) -> None:
    """Never answer."""
    handler.close_connection = True
    handler.server.closing.wait()


def close(handler: Handler) -> None:
    """Close without a word."""
    handler.close_connection = True


def reset_after(head: bytes) -> Answer:
    """Send `head` and reset the connection."""

    def send(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(head)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return send


#: Reset the connection in mid-headers.
reset = reset_after(b"HTTP/1.1 200 OK\r\nx-half: tr")


def raw(answer: bytes) -> Answer:
    """Send these bytes and close."""

    def send(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(answer)

    return send


def drip(head: bytes, every: float = 0.05) -> Answer:
    """Send `head`, then a byte now and then, for ever."""

    def send(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(head)
        while not handler.server.closing.wait(every):
            handler.wfile.write(b"x")

    return send


def flood(head: bytes, line: bytes) -> Answer:
    """Send `head`, then `line` as fast as it goes, for ever."""

    def send(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(head)
        while not handler.server.closing.is_set():
            handler.wfile.write(line * 1000)

    return send
