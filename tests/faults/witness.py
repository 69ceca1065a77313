"""A subscriber that can testify: what arrived, whether its bytes were the same, and from when to when.

with witness() as seen:
    seen.answer("/hook", slowly(0.2))
    ...
    most_at_once(seen.posts("/hook"))
"""

import hashlib
import select
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.serving import serving
from tests.subscribers import Answer, Handler, Heard, Subscriber, status
from tests.waiting import eventually


@dataclass(slots=True)
class Post:
    """One request. Moments are time.monotonic(), which all processes share; `ended` is None until it is over.

    It is over just before it is answered, or when its sender goes away: before any later request is `at`.
    """

    path: str
    id: str
    digest: str
    at: float
    #: The sender's end of the connection.
    peer: tuple[str, int]
    ended: float | None = None


class Witness(Subscriber):
    """Keeps a Post of each request, beside what any subscriber remembers."""

    def __init__(self) -> None:
        super().__init__()
        self._posts: list[Post] = []
        self._noting = threading.Lock()
        self._answering: set[Handler] = set()
        #: Called with the sender's end of each new connection, before anything is read.
        self.connected: Callable[[tuple[str, int]], None] = lambda _peer: None

    def posts(self, path: str = "/hook") -> list[Post]:
        """What arrived so far, in order."""
        with self._noting:
            return [post for post in self._posts if post.path == path]

    def wait_for_posts(self, count: int, path: str = "/hook", within: float = 60.0) -> list[Post]:
        """What arrived, as soon as it is this much."""
        eventually(lambda: len(self.posts(path)) >= count, within=within)
        return self.posts(path)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connected(client_address)
        super().process_request(request, client_address)

    def remember(self, heard: Heard) -> Answer:
        answer = super().remember(heard)

        def noted(handler: Handler) -> None:
            with self._noting:
                self._see_who_went_away()
                handler.post = Post(
                    heard.path,
                    heard.headers["webhook-id"],
                    digest(heard.body),
                    time.monotonic(),
                    handler.client_address,
                )
                self._posts.append(handler.post)
                self._answering.add(handler)
            try:
                answer(handler)
            finally:
                end(handler)
                with self._noting:
                    self._answering.remove(handler)

        return noted

    def _see_who_went_away(self) -> None:
        """Their own threads may be late to."""
        gone = select.poll()
        handlers = {each.connection.fileno(): each for each in self._answering}
        for descriptor in handlers:
            gone.register(descriptor, select.POLLIN)
        for descriptor, _ in gone.poll(0):
            end(handlers[descriptor])


@contextmanager
def witness() -> Iterator[Witness]:
    """A witness that runs while the block does."""
    with serving(Witness()) as server:
        try:
            yield server
        finally:
            server.stop()


def slowly(seconds: float, code: int = 200) -> Answer:
    """Answer after a while; a sender that goes away meanwhile ends the request at once."""
    return _held(None, seconds, code)


def once(gate: threading.Event, code: int = 200) -> Answer:
    """Answer once the gate is set; a sender that goes away meanwhile ends the request at once."""
    return _held(gate, None, code)


def end(handler: Handler) -> None:
    """The request of this handler is over, if it was not before."""
    handler.post.ended = handler.post.ended or time.monotonic()


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def most_at_once(posts: Sequence[Post]) -> int:
    """The most of these that were open at the same time."""
    moments = [(post.at, 1) for post in posts] + [(post.ended, -1) for post in posts if post.ended]
    open_now = most = 0
    for _, change in sorted(moments):
        open_now += change
        most = max(most, open_now)
    return most


def most_within(seconds: float, moments: Iterable[float]) -> int:
    """The most of these moments that are in any span of so many seconds, the end of which is not in it."""
    moments = sorted(moments)
    most = first = 0
    for nth, moment in enumerate(moments):
        while moments[first] <= moment - seconds:
            first += 1
        most = max(most, nth + 1 - first)
    return most


def _held(gate: threading.Event | None, seconds: float | None, code: int) -> Answer:
    def answer(handler: Handler) -> None:
        until = None if seconds is None else time.monotonic() + seconds
        while not (gate and gate.is_set()) and (until is None or time.monotonic() < until):
            pause = 0.02 if until is None else max(0.0, until - time.monotonic())
            # Nothing more is sent before the answer: what can be read is the sender's end.
            if select.select([handler.connection], [], [], pause)[0] or handler.server.closing.is_set():
                handler.close_connection = True
                return
        end(handler)
        status(code)(handler)

    return answer
