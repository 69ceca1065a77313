"""Requests at a steady rate, whether earlier ones are answered or not, and how long each took.

Each is counted from the moment at which it was due, so that what waits for a free connection, or for a client
that is late, has waited: a server that stops for a second is seen by all that came in it.
"""

import time
from collections.abc import Iterator
from itertools import count, cycle

import pycurl

from bench.load import Call, done, handle, send

#: Connections; at more requests under way the next ones wait, and that is counted.
_CONNECTIONS = 64
#: Seconds until what was sent must be answered.
_PATIENCE = 30.0


def steady(calls: list[Call], rate: float, seconds: float, status: int) -> list[float]:
    """Seconds that each took, in order of their ends. Raises ConnectionError where one has another status."""
    return _Flow(calls, rate, status).run(round(rate * seconds))


class _Flow:
    def __init__(self, calls: list[Call], rate: float, status: int) -> None:
        self._calls = cycle(calls)
        self._pause = 1 / rate
        self._status = status
        self._multi = pycurl.CurlMulti()
        self._free = [handle() for _ in range(_CONNECTIONS)]
        self._due: dict[pycurl.Curl, float] = {}
        self._took: list[float] = []

    def run(self, many: int) -> list[float]:
        began = time.monotonic() + 0.05
        moments = (began + nth * self._pause for nth in count())
        following = next(moments)
        sent = 0
        deadline = began + many * self._pause + _PATIENCE
        while len(self._took) < many:
            now = time.monotonic()
            if now > deadline:
                raise TimeoutError(f"{many - len(self._took)} of {many} requests are not answered")
            while sent < many and following <= now and self._free:
                self._send(following)
                following = next(moments)
                sent += 1
            self._multi.perform()
            self._take()
            wait = following - time.monotonic() if sent < many and self._free else 0.01
            self._multi.select(min(max(wait, 0.0), 0.01))
        self._multi.close()
        return self._took

    def _send(self, due: float) -> None:
        sender = self._free.pop()
        self._due[sender] = due
        send(self._multi, sender, next(self._calls))

    def _take(self) -> None:
        for answered in self._answered():
            self._took.append(time.monotonic() - self._due.pop(answered))
            self._free.append(answered)

    def _answered(self) -> Iterator[pycurl.Curl]:
        for answered in done(self._multi):
            if answered.getinfo(pycurl.RESPONSE_CODE) != self._status:
                raise ConnectionError(f"status {answered.getinfo(pycurl.RESPONSE_CODE)}")
            self._multi.remove_handle(answered)
            yield answered
