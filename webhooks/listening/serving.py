"""The HTTP server of `manage.py listen`, on this machine's own address alone."""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from webhooks.listening.arrivals import Arrival
from webhooks.listening.inbox import Inbox

HOST = "127.0.0.1"
#: Bytes of a body that are taken; of a longer one as many are read and thrown away as the second figure says.
#: A sender that is cut off while it writes does not see the answer.
BODY_LIMIT, DRAIN_LIMIT = 1024 * 1024, 8 * 1024 * 1024
#: Seconds of silence after which a connection is closed.
SILENCE = 60
_CHUNK = 64 * 1024
_LENGTH = re.compile(r"[0-9]{1,15}")
_HERE = b"Parcelwire listens here. Webhooks come by POST.\n"


class Listener(ThreadingHTTPServer):
    """Raises OSError where the port is taken, or may not be used; port 0 chooses a free one."""

    # With the usual backlog of 5, many connections at once end in time-outs.
    request_queue_size = 128
    daemon_threads = True

    def __init__(self, port: int, inbox: Inbox) -> None:
        super().__init__((HOST, port), _Handler)
        self.inbox = inbox

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}/"

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answers while the block runs."""
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield
        finally:
            self.shutdown()
            self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if isinstance(sys.exception(), ConnectionError):
            self.inbox.note("the sender closed the connection before it was answered")
        else:
            super().handle_error(request, client_address)


class _Refused(Exception):  # noqa: N818 - it is an answer
    """A POST that holds no message: the status to answer, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Parcelwire", ""
    timeout = SILENCE
    disable_nagle_algorithm = True  # head and body are two writes
    server: Listener

    def do_POST(self) -> None:
        inbox = self.server.inbox
        try:
            body = self._body()
        except _Refused as refused:
            self._refuse(refused)
            return
        arrival = Arrival(datetime.now(UTC), self.path, tuple(self.headers.items()), body)
        verdict, status = inbox.judge(arrival)
        try:
            self._answer(status)
        finally:
            inbox.enter(arrival, verdict, status)

    def _refuse(self, refused: _Refused) -> None:
        self.close_connection = True
        try:
            self._answer(refused.status, f"{refused}\n".encode())
        finally:
            self.server.inbox.enter_refused(f"{refused}, answered {refused.status}")

    def do_GET(self) -> None:
        self.close_connection |= "content-length" in self.headers or "transfer-encoding" in self.headers
        self._answer(200, _HERE)
        self.server.inbox.note(f"{self.command} {self.path}: no message, answered 200")

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def _body(self) -> bytes:
        """The body, whole. Raises _Refused."""
        lengths = {value.strip() for value in self.headers.get_all("content-length", [])}
        if "transfer-encoding" in self.headers:
            raise _Refused(411, "a body in chunks is not read here; send a Content-Length")
        if not lengths:
            raise _Refused(411, "a POST without a Content-Length")
        if len(lengths) > 1 or not _LENGTH.fullmatch(length := lengths.pop()):
            raise _Refused(400, "a Content-Length that is no number, or several")
        if int(length) > BODY_LIMIT:
            self._drain(int(length))
            raise _Refused(413, f"a body of {length} bytes; {BODY_LIMIT} are taken")
        try:
            body = self.rfile.read(int(length))
        except TimeoutError:
            raise _Refused(408, f"the body of {length} bytes did not come") from None
        if len(body) < int(length):
            raise _Refused(400, f"the body ended after {len(body)} of {length} bytes")
        return body

    def _drain(self, length: int) -> None:
        left = min(length, DRAIN_LIMIT)
        with suppress(TimeoutError):  # it is refused anyway
            while left and (chunk := self.rfile.read(min(left, _CHUNK))):
                left -= len(chunk)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        if self.close_connection:
            self.send_header("connection", "close")
        if status not in {204, 304}:  # these have none
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """The inbox writes down what arrived."""

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        if not isinstance(args[0], TimeoutError):  # a connection that nothing came over any more
            super().log_error(format, *args)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        self.server.inbox.note(f"no message: {format % args}")
