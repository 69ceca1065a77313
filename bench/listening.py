"""A server of a bench, which takes as little of the machine as Python allows: one thread on epoll.

Each whole request is handed to `answer`, which may answer later. Moments are of the machine's monotonic
clock, which all processes share.
"""

import heapq
import itertools
import select
import socket
import time
from abc import ABC, abstractmethod

_BACKLOG = 4096


class Connection:
    """A socket and what came in that is not a whole request yet."""

    __slots__ = ("buffer", "socket")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.buffer = b""

    def send(self, answer: bytes) -> None:
        try:
            self.socket.sendall(answer)
        except OSError:
            return  # it went away; reading finds out

    def tell(self, body: bytes) -> None:
        """Answer with text of any length."""
        self.socket.settimeout(None)
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n"
        self.send(head % len(body) + body)
        self.socket.settimeout(0)


class Server(ABC):
    """See the module."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
        self._listener.settimeout(0)
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._connections: dict[int, Connection] = {}
        #: What is to be sent to whom, and when; the number keeps what is due at once in order.
        self._owed: list[tuple[float, int, Connection, bytes]] = []
        self._numbers = itertools.count()

    def serve(self) -> None:
        listener = self._listener.fileno()
        while True:
            pause = max(0.0, self._owed[0][0] - time.monotonic()) if self._owed else -1
            for descriptor, _ in self._epoll.poll(pause, 1024):
                if descriptor == listener:
                    self._accept()
                else:
                    self._read(self._connections[descriptor])
            self._pay()

    @abstractmethod
    def answer(self, connection: Connection, head: bytes, body: bytes) -> None:
        """Answer one request, now or later."""

    def owe(self, at: float, connection: Connection, answer: bytes) -> None:
        """Send it then."""
        heapq.heappush(self._owed, (at, next(self._numbers), connection, answer))

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except BlockingIOError:
                return
            accepted.settimeout(0)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections[accepted.fileno()] = Connection(accepted)
            self._epoll.register(accepted.fileno(), select.EPOLLIN)

    def _read(self, connection: Connection) -> None:
        try:
            chunk = connection.socket.recv(65536)
        except ConnectionError:
            chunk = b""
        if not chunk:
            self._close(connection)
            return
        data = connection.buffer + chunk
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:end]
            whole = end + 4 + _length(head)
            if len(data) < whole:
                break
            self.answer(connection, head, data[end + 4 : whole])
            data = data[whole:]
        connection.buffer = data

    def _pay(self) -> None:
        now = time.monotonic()
        while self._owed and self._owed[0][0] <= now:
            _, _, connection, answer = heapq.heappop(self._owed)
            connection.send(answer)

    def _close(self, connection: Connection) -> None:
        self._connections.pop(connection.socket.fileno(), None)
        connection.socket.close()


def path_of(head: bytes) -> bytes:
    """The path of a request, with its query."""
    begin = head.find(b" ") + 1
    return head[begin : head.find(b" ", begin)]


def _length(head: bytes) -> int:
    begin = head.lower().find(b"content-length:")
    return int(head[begin + 15 :].split(b"\r\n", 1)[0]) if begin >= 0 else 0
