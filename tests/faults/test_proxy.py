"""Ways to servers do what their modes say: what is proved with them rests on that."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.harness.proxy import BETWEEN, LATENCY, Way, Ways
from tests.waiting import eventually


class Echo:
    """A server that sends back what it gets, and counts it."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.heard = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        port: int = self.listener.getsockname()[1]
        return port

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                own, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=[own], daemon=True).start()

    def _echo(self, own: socket.socket) -> None:
        with own:
            try:
                while piece := own.recv(65536):
                    self.heard += len(piece)
                    own.sendall(piece)
            except OSError:
                return


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.end()


@pytest.fixture
def way(echo: Echo) -> Iterator[Way]:
    ways = Ways()
    yield ways.open("127.0.0.1", echo.port)
    ways.close()


def connected(way: Way) -> socket.socket:
    own = socket.create_connection(("127.0.0.1", way.port))
    own.settimeout(60)
    return own


def said(own: socket.socket, words: bytes) -> bytes:
    """What comes back for these words."""
    own.sendall(words)
    back = b""
    while len(back) < len(words):
        piece = own.recv(65536)
        if not piece:
            break
        back += piece
    return back


def test_a_way_copies(way: Way) -> None:
    with connected(way) as one, connected(way) as other:
        assert said(one, b"a") == b"a"
        long = bytes(range(256)) * 8192
        threading.Thread(target=other.sendall, args=[long]).start()
        back = b""
        while len(back) < len(long):
            back += other.recv(65536)
        assert back == long


def test_the_end_of_one_side_reaches_the_other(way: Way) -> None:
    with connected(way) as own:
        assert said(own, b"a") == b"a"
        own.shutdown(socket.SHUT_WR)
        assert own.recv(1) == b""


def test_a_cut_way_resets_what_is_open_and_refuses_what_is_new(way: Way) -> None:
    with connected(way) as own:
        assert said(own, b"a") == b"a"
        way.set("cut")
        with pytest.raises(ConnectionResetError):
            own.recv(1)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            connected(way)
    way.set("pass")
    with connected(way) as own:
        assert said(own, b"a") == b"a"


def test_a_frozen_way_takes_connections_and_copies_nothing_until_it_thaws(way: Way, echo: Echo) -> None:
    with connected(way) as old:
        assert said(old, b"a") == b"a"
        way.set("frozen")
        with connected(way) as new:
            for own in (old, new):
                own.sendall(b"bc")
                own.settimeout(0.1)
                with pytest.raises(TimeoutError):
                    own.recv(1)
                own.settimeout(60)
            assert echo.heard == 1
            way.set("pass")
            assert [own.recv(2, socket.MSG_WAITALL) for own in (old, new)] == [b"bc", b"bc"]


def test_a_frozen_way_that_is_cut_forgets_what_it_held(way: Way, echo: Echo) -> None:
    with connected(way) as own:
        assert said(own, b"a") == b"a"
        way.set("frozen")
        own.sendall(b"b")
        way.set("cut")
        with pytest.raises(ConnectionResetError):
            own.recv(1)
    way.set("pass")
    with connected(way) as own:
        assert said(own, b"c") == b"c"
    assert echo.heard == 2


@pytest.mark.parametrize(("mode", "seconds"), [("slow", 2 * LATENCY), ("trickle", 3 * BETWEEN)])
def test_a_slow_way_takes_its_time_and_loses_nothing(way: Way, mode: str, seconds: float) -> None:
    with connected(way) as own:
        way.set(mode)
        began = time.monotonic()
        assert said(own, b"abcd") == b"abcd"
        assert time.monotonic() - began > seconds


def test_a_way_that_trickles_no_more_sends_the_rest_at_once(way: Way) -> None:
    with connected(way) as own:
        way.set("trickle")
        own.sendall(b"a" * 65000)
        assert own.recv(1) == b"a"
        way.set("pass")
        assert own.recv(64999, socket.MSG_WAITALL) == b"a" * 64999


def test_a_torn_way_passes_half_of_a_piece_and_then_nothing(way: Way, echo: Echo) -> None:
    with connected(way) as own:
        assert said(own, b"a") == b"a"
        way.set("torn")
        own.sendall(b"bcde")
        assert own.recv(4) == b""
    eventually(lambda: echo.heard in {1, 3})  # what was under way when the reset came may be lost with it
    way.set("pass")
    with connected(way) as own:
        assert said(own, b"a") == b"a"


def test_where_no_server_is_a_connection_ends_at_once(way: Way, echo: Echo) -> None:
    echo.end()
    with connected(way) as own, contextlib.suppress(ConnectionResetError):
        assert own.recv(1) == b""


def test_a_mode_that_is_none_is_refused(way: Way) -> None:
    with pytest.raises(ValueError, match="'gone'"):
        way.set("gone")
