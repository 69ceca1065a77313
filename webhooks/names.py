"""Looks up the names of hosts beside a loop that must not wait: a thread each, within limits."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar
from urllib.parse import urlsplit

#: A host and a port.
Place = tuple[str, int]
#: Numeric addresses; none: the name leads nowhere.
Addresses = tuple[str, ...]
Who = TypeVar("Who")

#: Look-ups at once: of names in good standing, and of those whose last one took longer than it may.
PROMPT, DOUBTFUL = 300, 50
#: Seconds that an answer counts: addresses, and that there are none.
KEPT, KEPT_NONE = 60.0, 1.0
#: Answers that are kept; the oldest go first.
LIMIT = 10_000
_PORTS = {"https": 443, "http": 80}


@lru_cache(maxsize=LIMIT)
def place(url: str) -> Place | None:
    """Where this URL leads, if that takes a look-up; None for numbers, this machine, and what is no URL."""
    try:
        split = urlsplit(url)
        port = split.port or _PORTS[split.scheme]
    except (ValueError, KeyError):
        return None
    host = (split.hostname or "").rstrip(".")
    last = host.rpartition(".")[2]
    # These libcurl knows without asking anybody, and the others it reads in ways of its own.
    if (
        not last
        or last == "localhost"
        or last[0].isdigit()
        or not set(host).isdisjoint(":%")
        or not host.isascii()
    ):
        return None
    return host, port


@dataclass(slots=True)
class _Waiting(Generic[Who]):
    """Who waits for an answer, how many seconds a look-up may take, and until when it is waited for."""

    seconds: float
    until: float
    who: list[Who]


class Names(Generic[Who]):
    """Answers to who asks. A look-up that takes too long is given up, and its thread left to end by itself.

    Many names that nobody answers for take all the threads there are once, and the others wait for these a
    little longer than a look-up may take; from then on they share a few.
    For one thread; `look_up` runs in others, and so does `ring`, called when there is an answer.
    """

    def __init__(self, look_up: Callable[[str, int], Sequence[str]], ring: Callable[[], None]) -> None:
        self._look_up = look_up
        self._ring = ring
        self._found: dict[Place, tuple[float, Addresses]] = {}
        self._waiting: dict[Place, _Waiting[Who]] = {}
        self._queues: dict[bool, deque[Place]] = {False: deque(), True: deque()}
        #: What is looked up now: whether as a doubtful one, and the moment from which on it is one.
        self._running: dict[Place, tuple[bool, float]] = {}
        self._doubtful: set[Place] = set()
        self._answers: deque[tuple[Place, Addresses]] = deque()

    def known(self, place: Place) -> Addresses | None:
        """What was found lately; None: ask."""
        until, addresses = self._found.get(place, (0.0, ()))
        return addresses if until > time.monotonic() else None

    def ask(self, place: Place, who: Who, seconds: float) -> None:
        """Look it up; `over` says what came of it, so many seconds after the look-up began at the latest."""
        waiting = self._waiting.get(place)
        if waiting:
            waiting.who.append(who)
            return
        is_patient = place not in self._running and place not in self._doubtful
        until = math.inf if is_patient else time.monotonic() + seconds
        self._waiting[place] = _Waiting(seconds, until, [who])
        if place not in self._running:
            self._queues[place in self._doubtful].append(place)
            self._run_queued()

    def next_end(self) -> float | None:
        """The moment when the first that waits has waited long enough; None: nobody waits."""
        return min((waiting.until for waiting in self._waiting.values()), default=None)

    def over(self) -> Iterator[tuple[Place, Addresses, list[Who]]]:
        """Who need not wait any more, and what was found: no address, where that took too long."""
        while self._answers:
            place, addresses = self._answers.popleft()
            self._remember(place, addresses)
            waiting = self._waiting.pop(place, None)
            if waiting:
                yield place, addresses, waiting.who
        yield from self._given_up(time.monotonic())
        self._run_queued()

    def drop(self, unwanted: Callable[[Who], bool]) -> None:
        """These wait no longer."""
        for waiting in self._waiting.values():
            waiting.who = [who for who in waiting.who if not unwanted(who)]

    def waiting(self) -> Iterable[Who]:
        """All who wait."""
        return [who for waiting in self._waiting.values() for who in waiting.who]

    def _given_up(self, now: float) -> Iterator[tuple[Place, Addresses, list[Who]]]:
        for place in [place for place, waiting in self._waiting.items() if waiting.until <= now]:
            if place in self._running:
                self._doubtful.add(place)
            else:
                self._queues[place in self._doubtful].remove(place)
            yield place, (), self._waiting.pop(place).who

    def _remember(self, place: Place, addresses: Addresses) -> None:
        now = time.monotonic()
        _, doubtful_from = self._running.pop(place)
        (self._doubtful.add if now > doubtful_from else self._doubtful.discard)(place)
        self._found.pop(place, None)
        self._found[place] = (now + (KEPT if addresses else KEPT_NONE), addresses)
        if len(self._found) > LIMIT:
            del self._found[next(iter(self._found))]

    def _run_queued(self) -> None:
        for doubtful, limit in ((False, PROMPT), (True, DOUBTFUL)):
            queue = self._queues[doubtful]
            while queue and sum(kind is doubtful for kind, _ in self._running.values()) < limit:
                place = queue.popleft()
                waiting = self._waiting[place]
                waiting.until = time.monotonic() + waiting.seconds
                self._running[place] = (doubtful, waiting.until)
                threading.Thread(target=self._find, args=[place], daemon=True, name="name").start()

    def _find(self, place: Place) -> None:
        try:
            addresses = tuple(self._look_up(*place))
        except (OSError, UnicodeError):  # the latter for names that IDNA does not take
            addresses = ()
        self._answers.append((place, addresses))
        self._ring()
