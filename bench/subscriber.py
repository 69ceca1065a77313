"""`python -m bench.subscriber PORT`: a subscriber that takes as little of the machine as Python allows.

One thread on epoll. It answers 204 to every POST: at once, `/slow/...` after 200 ms, `/hang/...` never; and
400 to one with another body than the bench's. Each arrival is kept with its moment on the machine's monotonic
clock, which all processes share:

- `GET /heard/N`: answered once N POSTs arrived.
- `GET /arrivals`: a line each of `webhook-id`, seconds and path.
- `GET /forget`: begin anew.
"""

import heapq
import itertools
import select
import socket
import sys
import time

from bench.bodies import BODY

_NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
_WRONG = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"
_SLOW = 0.2
_BACKLOG = 4096


class _Connection:
    """A socket and what came in that is not a whole request yet."""

    __slots__ = ("buffer", "socket")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.buffer = b""


class Server:
    """See the module."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
        self._listener.settimeout(0)
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._connections: dict[int, _Connection] = {}
        self._arrivals: list[tuple[bytes, float, bytes]] = []
        #: After how many arrivals to answer whom.
        self._awaited: list[tuple[int, _Connection]] = []
        #: When to answer whom; the number keeps what is due at once in order.
        self._owed: list[tuple[float, int, _Connection]] = []
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

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except BlockingIOError:
                return
            accepted.settimeout(0)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections[accepted.fileno()] = _Connection(accepted)
            self._epoll.register(accepted.fileno(), select.EPOLLIN)

    def _read(self, connection: _Connection) -> None:
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
            self._answer(connection, head, data[end + 4 : whole])
            data = data[whole:]
        connection.buffer = data

    def _answer(self, connection: _Connection, head: bytes, body: bytes) -> None:
        path = head[head.find(b" ") + 1 : head.find(b" ", 5)]
        if not head.startswith(b"POST"):
            self._tell(connection, path)
            return
        now = time.monotonic()
        begin = head.find(b"webhook-id: ") + 12
        self._arrivals.append((head[begin : head.find(b"\r\n", begin)], now, path))
        if body != BODY:
            _send(connection, _WRONG)
        elif path.startswith(b"/slow"):
            heapq.heappush(self._owed, (now + _SLOW, next(self._numbers), connection))
        elif not path.startswith(b"/hang"):
            _send(connection, _NO_CONTENT)
        if self._awaited:
            self._tell_awaited()

    def _tell(self, connection: _Connection, path: bytes) -> None:
        if path.startswith(b"/heard/"):
            self._awaited.append((int(path[7:]), connection))
            self._tell_awaited()
        elif path == b"/arrivals":
            _tell(connection, b"".join(b"%s %.6f %s\n" % arrival for arrival in self._arrivals))
        else:
            self._arrivals.clear()
            _tell(connection, b"")

    def _tell_awaited(self) -> None:
        for awaited in [each for each in self._awaited if each[0] <= len(self._arrivals)]:
            self._awaited.remove(awaited)
            _tell(awaited[1], b"")

    def _pay(self) -> None:
        now = time.monotonic()
        while self._owed and self._owed[0][0] <= now:
            _send(heapq.heappop(self._owed)[2], _NO_CONTENT)

    def _close(self, connection: _Connection) -> None:
        self._connections.pop(connection.socket.fileno(), None)
        connection.socket.close()


def _send(connection: _Connection, answer: bytes) -> None:
    try:
        connection.socket.sendall(answer)
    except OSError:
        return  # it went away; reading finds out


def _tell(connection: _Connection, body: bytes) -> None:
    connection.socket.settimeout(None)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n"
    _send(connection, head % len(body) + body)
    connection.socket.settimeout(0)


def _length(head: bytes) -> int:
    begin = head.lower().find(b"content-length:")
    return int(head[begin + 15 :].split(b"\r\n", 1)[0]) if begin >= 0 else 0


if __name__ == "__main__":
    Server(int(sys.argv[1])).serve()
