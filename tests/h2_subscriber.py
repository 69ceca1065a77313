"""A fake subscriber that speaks HTTP/2 over TLS: real frames on real sockets, by a script for each path.

with h2_subscriber(context) as server:
    server.answer("/hook", refuse, status(200))   # the last one repeats
    ...
    server.heard("/hook")
"""

import socket
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError

from tests.waiting import eventually
from webhooks.transport import Wire


@dataclass
class Request:
    """One stream: what came in on it. `is_whole`: its end too."""

    connection: "Connection"
    stream: int
    headers: dict[str, str]
    body: bytes = b""
    is_whole: bool = False

    @property
    def path(self) -> str:
        return self.headers[":path"]


Answer = Callable[[Request], None]


@dataclass
class Connection:
    """One accepted connection. `resumed`: its TLS session was an earlier one's."""

    socket: ssl.SSLSocket
    h2: H2Connection
    resumed: bool
    streams: dict[int, Request] = field(default_factory=dict)
    goes_on: bool = True
    is_over: bool = False

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def send_raw(self, data: bytes) -> None:
        """Bytes that no decent server would send."""
        self.flush()
        self.socket.sendall(data)


class H2Subscriber:
    """The server. `answer` scripts a path; an unscripted one gets 200 once its request is whole."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        tls.set_alpn_protocols(["h2"])
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._lock = threading.Lock()
        self._scripts: dict[str, list[Answer]] = {}
        #: Those that answer when the headers are there, not when the request is whole.
        self._early: set[str] = set()
        self._heard: dict[str, list[Request]] = defaultdict(list)
        self._talking: list[threading.Thread] = []
        self.connections: list[Connection] = []

    def url(self, path: str = "/hook") -> str:
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}{path}"

    def answer(self, path: str, *answers: Answer, early: bool = False) -> None:
        """Script the path's answers in order; the last one repeats. `early`: at the request's headers."""
        with self._lock:
            self._scripts[path] = list(answers)
            (self._early.add if early else self._early.discard)(path)

    def heard(self, path: str = "/hook") -> list[Request]:
        """Every request whose headers came, in order."""
        with self._lock:
            return list(self._heard[path])

    def wait_for_while(self, own: Wire, count: int, path: str) -> None:
        """Wait for so many requests while this wire works."""
        eventually(lambda: own.wait(0.01) or len(self.heard(path)) >= count)

    def hang_up(self) -> None:
        """Close every connection, and return when that is done."""
        for each in self.connections:
            end(each)
        eventually(lambda: all(each.is_over for each in self.connections))

    def serve(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            talking = threading.Thread(target=self._talk, args=[accepted], daemon=True)
            talking.start()
            self._talking.append(talking)

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self.connections:
            end(each)
        for thread in self._talking:
            thread.join(60)

    def _talk(self, accepted: socket.socket) -> None:
        with suppress(OSError, ProtocolError), self._tls.wrap_socket(accepted, server_side=True) as secured:
            h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
            connection = Connection(secured, h2, bool(secured.session_reused))
            self.connections.append(connection)
            try:
                h2.initiate_connection()
                connection.flush()
                while connection.goes_on and (data := secured.recv(65536)):
                    self._hear(connection, data)
            finally:
                secured.close()
                connection.is_over = True

    def _hear(self, connection: Connection, data: bytes) -> None:
        for event in connection.h2.receive_data(data):
            if isinstance(event, RequestReceived):
                request = Request(connection, event.stream_id, dict(event.headers))
                connection.streams[event.stream_id] = request
                with self._lock:
                    self._heard[request.path].append(request)
                if request.path in self._early:
                    self._answer(request)
            elif isinstance(event, DataReceived):
                connection.streams[event.stream_id].body += event.data
                connection.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                request = connection.streams[event.stream_id]
                request.is_whole = True
                if request.path not in self._early:
                    self._answer(request)
            elif isinstance(event, ConnectionTerminated):
                connection.goes_on = False
        connection.flush()

    def _answer(self, request: Request) -> None:
        with self._lock:
            script = self._scripts.get(request.path) or [status(200)]
            answer = script.pop(0) if len(script) > 1 else script[0]
        answer(request)


@contextmanager
def h2_subscriber(tls: ssl.SSLContext) -> Iterator[H2Subscriber]:
    """A subscriber that runs while the block does."""
    server = H2Subscriber(tls)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(60)


def status(code: int, headers: Mapping[str, str] = {}, body: bytes = b"") -> Answer:
    """Answer at once."""

    def answer(request: Request) -> None:
        h2 = request.connection.h2
        h2.send_headers(request.stream, [(":status", str(code)), *headers.items()], end_stream=not body)
        if body:
            h2.send_data(request.stream, body, end_stream=True)

    return answer


def headers_only(code: int) -> Answer:
    """The headers of an answer whose body never comes."""

    def answer(request: Request) -> None:
        request.connection.h2.send_headers(request.stream, [(":status", str(code))])

    return answer


def early_hints_then(answer: Answer) -> Answer:
    """A 103 first."""

    def early(request: Request) -> None:
        request.connection.h2.send_headers(request.stream, [(":status", "103"), ("x-early", "1")])
        answer(request)

    return early


def hang(request: Request) -> None:
    """Never answer."""


def reset(code: ErrorCodes) -> Answer:
    """End this stream with RST_STREAM, and leave the connection."""

    def answer(request: Request) -> None:
        request.connection.h2.reset_stream(request.stream, code)

    return answer


#: The server did nothing with it, it says (RFC 9113, 8.7).
refuse = reset(ErrorCodes.REFUSED_STREAM)


def go_away(last: int | None = None, code: ErrorCodes = ErrorCodes.NO_ERROR, *, close: bool = True) -> Answer:
    """GOAWAY: streams after `last` were not looked at, it says; None: this one was."""

    def answer(request: Request) -> None:
        through = request.stream if last is None else last
        request.connection.h2.close_connection(code, last_stream_id=through)
        request.connection.flush()
        if close:
            end(request.connection)

    return answer


def vanish(request: Request) -> None:
    """Close the connection in mid-stream, without a word."""
    end(request.connection)


def raw(data: Callable[[Request], bytes]) -> Answer:
    """Send these bytes instead of frames."""

    def answer(request: Request) -> None:
        request.connection.send_raw(data(request))

    return answer


def end(connection: Connection) -> None:
    """Close this connection now."""
    connection.goes_on = False
    with suppress(OSError):
        connection.socket.shutdown(socket.SHUT_RDWR)
