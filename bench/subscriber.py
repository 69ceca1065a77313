"""`python -m bench.subscriber PORT`: a subscriber that takes as little of the machine as Python allows.

It answers 204 to every POST: at once, `/slow/...` after 200 ms, `/hang/...` never; and 400 to one with
another body than the bench's, except at `/any/...`. Each arrival is kept with its moment:

- `GET /heard/N`: answered once N POSTs arrived.
- `GET /arrivals`: a line each of `webhook-id`, seconds and path.
- `GET /forget`: begin anew.
"""

import sys
import time

from bench.bodies import BODY
from bench.listening import Connection, Server, path_of

_NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
_WRONG = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"
_SLOW = 0.2


class Subscriber(Server):
    """See the module."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._arrivals: list[tuple[bytes, float, bytes]] = []
        #: After how many arrivals to answer whom.
        self._awaited: list[tuple[int, Connection]] = []

    def answer(self, connection: Connection, head: bytes, body: bytes) -> None:
        path = path_of(head)
        if not head.startswith(b"POST"):
            self._tell(connection, path)
            return
        now = time.monotonic()
        begin = head.find(b"webhook-id: ") + 12
        self._arrivals.append((head[begin : head.find(b"\r\n", begin)], now, path))
        if body != BODY and not path.startswith(b"/any"):
            connection.send(_WRONG)
        elif path.startswith(b"/slow"):
            self.owe(now + _SLOW, connection, _NO_CONTENT)
        elif not path.startswith(b"/hang"):
            connection.send(_NO_CONTENT)
        if self._awaited:
            self._tell_awaited()

    def _tell(self, connection: Connection, path: bytes) -> None:
        if path.startswith(b"/heard/"):
            self._awaited.append((int(path[7:]), connection))
            self._tell_awaited()
        elif path == b"/arrivals":
            connection.tell(b"".join(b"%s %.6f %s\n" % arrival for arrival in self._arrivals))
        else:
            self._arrivals.clear()
            connection.tell(b"")

    def _tell_awaited(self) -> None:
        for awaited in [each for each in self._awaited if each[0] <= len(self._arrivals)]:
            self._awaited.remove(awaited)
            awaited[1].tell(b"")


if __name__ == "__main__":
    Subscriber(int(sys.argv[1])).serve()
