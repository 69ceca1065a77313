"""Requests as fast as a server answers them, over connections that are kept; the same for every route."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
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
    handles = [_handle() for _ in range(CONNECTIONS)]
    for handle in handles:
        _send(multi, handle, next(waiting))
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        multi.perform()
        for handle in _done(multi):
            statuses[handle.getinfo(pycurl.RESPONSE_CODE)] += 1
            multi.remove_handle(handle)
            _send(multi, handle, next(waiting))
        multi.select(0.1)
    elapsed = time.perf_counter() - began
    for handle in handles:
        multi.remove_handle(handle)
        handle.close()
    multi.close()
    return Rate(statuses.total() / elapsed, dict(statuses))


def _handle() -> pycurl.Curl:
    handle = pycurl.Curl()
    handle.setopt(pycurl.WRITEFUNCTION, len)
    handle.setopt(pycurl.PROXY, "")
    return handle


def _send(multi: pycurl.CurlMulti, handle: pycurl.Curl, call: Call) -> None:
    handle.setopt(pycurl.URL, call.url)
    handle.setopt(pycurl.HTTPHEADER, list(call.headers))
    multi.add_handle(handle)


def _done(multi: pycurl.CurlMulti) -> Iterator[pycurl.Curl]:
    left = 1
    while left:
        left, good, failed = multi.info_read()
        for _, code, message in failed:
            raise ConnectionError(f"{code}: {message}")
        yield from good


def alternate(rounds: int, routes: dict[str, Callable[[], Rate]]) -> dict[str, list[Rate]]:
    """The rates of each, measured in turn, so that what else the machine does hits all alike."""
    found: dict[str, list[Rate]] = {name: [] for name in routes}
    for _ in range(rounds):
        for name, measure in routes.items():
            found[name].append(measure())
    return found
