"""The wire beside a database's connection: whoever waits for both hears of each at once. Real sockets."""

import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pycurl
import pytest

from tests import subscribers
from tests.subscribers import Subscriber, subscriber
from tests.webhooks.test_transport import outgoing
from webhooks import transport
from webhooks.capacity import make_room
from webhooks.transport import Wire, wire
from webhooks.watching import ROUND

LONG = 120


@pytest.fixture(autouse=True)
def _rules(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.DELIVERY_DEADLINE = settings.DELIVERY_CONNECT_DEADLINE = LONG


@pytest.fixture
def own() -> Iterator[Wire]:
    made = Wire(wire().allowed)
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def server() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


def seconds_of(own: Wire, also: int) -> float:
    began = time.monotonic()
    own.wait(LONG, also)
    return time.monotonic() - began


def test_it_returns_once_the_other_descriptor_can_be_read(own: Wire, pair) -> None:
    ours, theirs = pair
    sent = threading.Event()

    def send() -> None:
        sent.set()
        theirs.send(b"x")

    threading.Timer(0.05, send).start()
    assert seconds_of(own, ours.fileno()) < LONG / 2
    assert sent.is_set()


def test_it_returns_at_once_where_there_is_something_to_read_already(own: Wire, pair) -> None:
    ours, theirs = pair
    theirs.send(b"x")
    assert own.wait(LONG, ours.fileno()) == []
    assert own.wait(LONG, ours.fileno()) == []


def test_it_returns_where_the_other_side_is_gone(own: Wire, pair) -> None:
    ours, theirs = pair
    theirs.close()
    assert own.wait(LONG, ours.fileno()) == []


def test_a_descriptor_that_is_not_asked_for_any_more_wakes_nobody(own: Wire, pair) -> None:
    ours, theirs = pair
    theirs.send(b"x")
    own.wait(LONG, ours.fileno())
    used = time.thread_time()
    own.wait(0.2)
    assert time.thread_time() - used < 0.1


def test_another_connection_with_the_same_number_is_heard(own: Wire, pair) -> None:
    ours, theirs = pair
    number = ours.fileno()
    theirs.send(b"x")
    own.wait(LONG, number)
    ours.close()
    again, other = socket.socketpair()
    with again, other:
        if again.fileno() != number:
            os.dup2(again.fileno(), number)
        other.send(b"x")
        assert seconds_of(own, number) < LONG / 2


def test_an_answer_is_heard_while_the_other_descriptor_is_quiet(own: Wire, pair, server: Subscriber) -> None:
    request = outgoing(server.url())
    own.start([request])
    (result,) = own.wait(LONG, pair[0].fileno())
    assert (result.token, result.failure) == (request.token, None)


def test_hundreds_of_ready_sockets_do_not_hide_the_other_one(own: Wire, pair, server: Subscriber) -> None:
    gate = threading.Event()
    server.answer("/hook", subscribers.after(gate, subscribers.status(200)))
    own.start([outgoing(server.url()) for _ in range(ROUND * 4)])
    while len(server.heard()) < ROUND * 4:
        own.wait(0.01)
    gate.set()
    ours, theirs = pair
    theirs.send(b"x")
    results = own.wait(LONG, ours.fileno())
    assert len(results) <= ROUND


def test_a_thousand_are_under_way_at_once(own: Wire, server: Subscriber) -> None:
    gate = threading.Event()
    server.answer("/hook", subscribers.after(gate, subscribers.status(200)))
    assert transport.CAPACITY == 1_000
    own.start([outgoing(server.url()) for _ in range(transport.CAPACITY)])
    while server.most_at_once() < transport.CAPACITY:
        assert own.wait(0.05) == []
    gate.set()
    ended = 0
    while ended < transport.CAPACITY:
        results = own.wait(LONG)
        assert {result.failure for result in results} == {None}
        ended += len(results)


ROOM = """
import resource
from webhooks.capacity import make_room
print(make_room(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_a_wire_that_has_failed_is_not_used_again(server: Subscriber, monkeypatch) -> None:
    failing = wire()
    monkeypatch.setattr(failing._sockets, "watch", lambda *_: 1 / 0)
    failing.start([outgoing(server.url())])
    with pytest.raises(pycurl.error):
        failing.wait(LONG)
    assert wire() is not failing


@pytest.mark.parametrize(
    ("soft", "hard", "room", "then"),
    [(256, 8_000, 1_000, 3_200), (256, 1_100, 300, 1_100), (150, 150, 1, 150), (5_000, 5_000, 1_000, 5_000)],
)
def test_as_many_files_may_be_open_as_the_system_lets_us(soft: int, hard: int, room: int, then: int) -> None:
    told = subprocess.run(
        [sys.executable, "-P", "-c", ROOM],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert [int(word) for word in told.stdout.split()] == [room, then, hard]


def test_a_limit_that_is_high_enough_stays() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert make_room(10) == 10
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
