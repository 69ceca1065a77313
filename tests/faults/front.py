"""What stands before several webs, as a proxy does: calls go to those that are ready, over kept connections.

A call is made again elsewhere in one case only: where not one byte of it was sent, since the connection was
refused, or the kept one had been closed by the web before. Whatever else goes wrong is a failed call.
"""

import itertools
import json
import select
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

from config import loopback

#: Seconds between two looks who is ready; a web that drains must go on for longer.
LOOK_EVERY = 0.2
#: Seconds that a call may take; on a busy machine that is long.
PATIENCE = 120.0


@dataclass(slots=True)
class Failed:
    """A call that was not answered as it should be."""

    method: str
    path: str
    why: str


@dataclass(slots=True)
class Front:
    """Webs by port; `key` is the caller's. `answered` and `failed` count all calls."""

    ports: Sequence[int]
    key: str
    answered: int = 0
    failed: list[Failed] = field(default_factory=list)
    _ready: frozenset[int] = frozenset()
    _turn: Any = field(default_factory=itertools.count)
    _kept: threading.local = field(default_factory=threading.local)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, until: threading.Event) -> None:
        """See who is ready, again and again. For a thread of its own."""
        while not until.wait(LOOK_EVERY):
            self._ready = frozenset(filter(_takes_calls, self.ports))

    def is_ready(self, *ports: int) -> bool:
        return self._ready.issuperset(ports)

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any] | None:
        """What was answered; None for a call that failed."""
        try:
            status, answer = self._sent(method, path, None if body is None else json.dumps(body))
        except (OSError, HTTPException) as error:
            return self._note(Failed(method, path, repr(error)))
        if not 200 <= status < 300:
            return self._note(Failed(method, path, f"{status} {answer[:300]!r}"))
        with self._lock:
            self.answered += 1
        found: dict[str, Any] = json.loads(answer)
        return found

    def _note(self, failed: Failed) -> None:
        with self._lock:
            self.failed.append(failed)

    def _sent(self, method: str, path: str, body: str | None) -> tuple[int, bytes]:
        connection = self._connected()
        headers = {"Authorization": f"Bearer {self.key}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()  # where the web closes with it, the connection does so too
        return answer.status, answer.read()

    def close(self) -> None:
        """Let go of the connections that the calling thread keeps."""
        for connection in self._kept.__dict__.pop("of_port", {}).values():
            connection.close()

    def _connected(self) -> HTTPConnection:
        """A connection to a web that is ready, kept or new. Nothing of the call has been sent yet."""
        kept: dict[int, HTTPConnection] = self._kept.__dict__.setdefault("of_port", {})
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for port in self._in_turn():
                connection = kept.get(port)
                if connection is None or connection.sock is None or _is_closed(connection):
                    if connection is not None:
                        connection.close()
                    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
                    with suppress(ConnectionRefusedError):
                        connection.connect()
                        kept[port] = connection
                if connection.sock is not None:
                    return connection
            time.sleep(0.01)
        raise TimeoutError("no web is ready")

    def _in_turn(self) -> list[int]:
        ready = [port for port in self.ports if port in self._ready]
        first = next(self._turn) % len(ready) if ready else 0
        return ready[first:] + ready[:first]


def _takes_calls(port: int) -> bool:
    return loopback.http_status(f"http://127.0.0.1:{port}/readyz?of=web") == 200


def _is_closed(connection: HTTPConnection) -> bool:
    """Whether the web has closed it: there is nothing else that it could have sent."""
    return bool(select.select([connection.sock], [], [], 0)[0])
