"""Requests as fast as a server answers them, over connections that are kept; the same for every route."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

import pycurl

#: Connections, each with one request under way.
CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Rate:
    """What came of a round: answers a second, and how many had which status."""

    per_second: float
    statuses: dict[int, int]

    def __str__(self) -> str:
        return f"{self.per_second:,.0f} a second"


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its URL and headers."""

    url: str
    headers: tuple[str, ...] = ()


def run(calls: list[Call], seconds: float) -> Rate:
    """Send these, over and over, for so long. Bodies are read and thrown away."""
    statuses: Counter[int] = Counter()
    waiting = cycle(calls)
    multi = pycurl.CurlMulti()
    handles = [handle() for _ in range(CONNECTIONS)]
    for one in handles:
        send(multi, one, next(waiting))
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        multi.perform()
        for one in done(multi):
            statuses[one.getinfo(pycurl.RESPONSE_CODE)] += 1
            multi.remove_handle(one)
            send(multi, one, next(waiting))
        multi.select(0.1)
    elapsed = time.perf_counter() - began
    for one in handles:
        multi.remove_handle(one)
        one.close()
    multi.close()
    return Rate(statuses.total() / elapsed, dict(statuses))


def handle() -> pycurl.Curl:
    """One that keeps its connection, and reads bodies and throws them away."""
    made = pycurl.Curl()
    made.setopt(pycurl.WRITEFUNCTION, len)
    made.setopt(pycurl.PROXY, "")
    return made


def send(multi: pycurl.CurlMulti, by: pycurl.Curl, call: Call) -> None:
    """Begin this call."""
    by.setopt(pycurl.URL, call.url)
    by.setopt(pycurl.HTTPHEADER, list(call.headers))
    multi.add_handle(by)


def done(multi: pycurl.CurlMulti) -> Iterator[pycurl.Curl]:
    """The handles that have been answered. Raises ConnectionError where one was not."""
    left = 1
    while left:
        left, good, failed = multi.info_read()
        for _, code, message in failed:
            raise ConnectionError(f"{code}: {message}")
        yield from good
