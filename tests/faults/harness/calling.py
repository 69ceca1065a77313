"""One caller of the API: each call to one of the webs, noted before it is made and when it is answered."""

import itertools
import json
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

from tests.faults.harness.history import History

#: Seconds that a call may take.
PATIENCE = 20.0


@dataclass
class Caller:
    """Calls with a merchant's key. Safe to use from several threads: each keeps its connections."""

    ports: Sequence[int]
    merchant: int
    key: str
    #: Where calls are noted; None: nowhere.
    history: History | None = None
    _numbers: Any = field(default_factory=itertools.count)
    _kept: threading.local = field(default_factory=threading.local)

    def call(
        self, method: str, path: str, body: Any = None, *, key: str = "", **told: Any
    ) -> tuple[int, Any]:
        """The status and what was answered; 0 and None where there was no whole answer.

        `key`: of idempotency. `told` is noted beside what is called.
        """
        number = next(self._numbers)
        facts = {"n": number, "merchant": self.merchant, "method": method, "path": path, "key": key, **told}
        self._note(what="called", **facts)
        port = self.ports[number % len(self.ports)]
        try:
            status, answer = self._exchange(port, method, path, body, key)
        except (OSError, HTTPException, ValueError) as error:
            self._close(port)
            self._note(what="unanswered", error=repr(error), **facts)
            return 0, None
        self._note(what="answered", status=status, tracker=_tracker(answer), **facts)
        return status, answer

    def _exchange(self, port: int, method: str, path: str, body: Any, key: str) -> tuple[int, Any]:
        connection = self._connection(port)
        headers = {"Authorization": f"Bearer {self.key}"} | ({"Idempotency-Key": key} if key else {})
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body)
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        read = answer.read()
        if answer.getheader("connection", "").lower() == "close":
            self._close(port)
        return answer.status, json.loads(read) if read else None

    def _connection(self, port: int) -> HTTPConnection:
        kept: dict[int, HTTPConnection] = self._kept.__dict__.setdefault("of_port", {})
        if port not in kept:
            kept[port] = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        return kept[port]

    def _close(self, port: int) -> None:
        with suppress(KeyError, OSError):
            self._kept.__dict__["of_port"].pop(port).close()

    def _note(self, **facts: Any) -> None:
        if self.history:
            self.history.note(**facts)


def _tracker(answer: Any) -> str | None:
    """The id of the tracker that an answer is about, or of none."""
    data = answer.get("data") if isinstance(answer, dict) else None
    tracker = data.get("tracker") if isinstance(data, dict) else None
    return tracker.get("trackerId") if isinstance(tracker, dict) else None
