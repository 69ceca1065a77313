"""Counting in a real Valkey, and in one that is gone, frozen or mute."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from limits import RateLimitItemPerHour

from accounts import counting
from accounts.counting import QUIET, Counter
from config import servers
from tests.processes import ROOT
from tests.waiting import eventually

PER_HOUR = RateLimitItemPerHour(1000)
#: As it is outside of tests.
PATIENCE = counting.PATIENCE


class Clock:
    """Time that passes when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class BlackHole:
    """A port of loopback where connections are accepted, counted, and never answered."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.held: list[socket.socket] = []
        self.url = f"redis://:secret@127.0.0.1:{self.listening.getsockname()[1]}/0"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                self.held.append(self.listening.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for one in (self.listening, *self.held):
            one.close()


@pytest.fixture
def black_hole() -> Iterator[BlackHole]:
    hole = BlackHole()
    yield hole
    hole.close()


@pytest.fixture
def valkey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[servers.Running]:
    """A Valkey of this test alone."""
    (tmp_path / "run").mkdir()
    running = servers.start(servers.Valkey(tmp_path), tmp_path)
    yield running
    running.process.send_signal(signal.SIGCONT)
    servers.stop([running], tmp_path, time.monotonic() + 60)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "PATIENCE", PATIENCE)


@pytest.fixture
def patient(_impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no outage."""
    monkeypatch.setattr(counting, "PATIENCE", 60.0)


def url_of(running: servers.Running) -> str:
    return running.server.url(running.port)


def test_a_black_hole_is_tried_once_in_five_seconds(
    black_hole: BlackHole, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    counter = Counter(black_hole.url, clock)
    assert [counter.count(PER_HOUR, "a") for _ in range(50)] == [None] * 50
    clock.now += QUIET - 0.001
    assert counter.count(PER_HOUR, "a") is None
    eventually(lambda: len(black_hole.held) == 1)
    clock.now += 0.001
    assert [counter.count(PER_HOUR, "a") for _ in range(50)] == [None] * 50
    eventually(lambda: len(black_hole.held) == 2)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_when_the_quiet_is_over_one_of_many_threads_tries(black_hole: BlackHole, clock: Clock) -> None:
    counter = Counter(black_hole.url, clock)
    counter.count(PER_HOUR, "a")
    clock.now += QUIET
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: counter.count(PER_HOUR, "a"), range(64))) == {None}
    eventually(lambda: len(black_hole.held) == 2)


def test_many_threads_that_meet_an_outage_tell_it_once(
    black_hole: BlackHole, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    counter = Counter(black_hole.url, clock)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: counter.count(PER_HOUR, "a"), range(64))) == {None}
    assert len(caplog.records) == 1
    assert len(black_hole.held) <= 8


def test_half_of_the_patience_is_for_connecting_and_half_for_an_answer(clock: Clock) -> None:
    pool = counting._pool("redis://127.0.0.1:1/0")
    connection = pool.make_connection()
    assert connection.socket_connect_timeout + connection.socket_timeout == counting.PATIENCE == 0.05
    assert connection.retry.get_retries() == 0


def test_a_refused_port_is_an_outage(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    counter = Counter("redis://:secret@127.0.0.1:1/0", clock)
    assert counter.count(PER_HOUR, "a") is None
    assert not counter.answers()
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text


def test_a_name_that_hangs_in_the_resolver_does_not_hold_a_call(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = threading.Event()

    def hang(*_where: object, **_how: object) -> list[object]:
        resolved.wait()
        raise OSError("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    assert Counter("redis://valkey.example:6379/0", clock).count(PER_HOUR, "a") is None
    resolved.set()


@pytest.mark.usefixtures("patient")
def test_a_frozen_server_is_an_outage_until_it_thaws(
    valkey: servers.Running, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    counter = Counter(url_of(valkey), clock)
    assert counter.count(PER_HOUR, "a") == 1
    counter._storage.storage.connection_pool.disconnect()
    counter._storage = None
    monkeypatch.setattr(counting, "PATIENCE", PATIENCE)
    os.kill(valkey.process.pid, signal.SIGSTOP)
    assert [counter.count(PER_HOUR, "a"), counter.count(PER_HOUR, "a")] == [None, None]
    os.kill(valkey.process.pid, signal.SIGCONT)
    monkeypatch.setattr(counting, "PATIENCE", 60.0)
    assert counter.count(PER_HOUR, "a") is None
    clock.now += QUIET
    assert counter.count(PER_HOUR, "a") >= 2
    assert [record.getMessage()[:13] for record in caplog.records] == ["Redis failed,", "Redis answers"]


@pytest.mark.usefixtures("patient")
def test_a_server_that_was_restarted_is_found_again(
    valkey: servers.Running, tmp_path: Path, clock: Clock
) -> None:
    counter = Counter(url_of(valkey), clock)
    assert counter.count(PER_HOUR, "a") == 1
    servers.stop([valkey], tmp_path, time.monotonic() + 60)
    assert counter.count(PER_HOUR, "a") is None
    again = servers.launch(valkey.server, tmp_path, valkey.port)
    eventually(lambda: not valkey.server.refusal(valkey.port))
    clock.now += QUIET
    assert counter.count(PER_HOUR, "a") == 2
    servers.stop([again], tmp_path, time.monotonic() + 60)


@pytest.mark.usefixtures("patient")
def test_an_error_is_an_outage_too(valkey: servers.Running, clock: Clock) -> None:
    wrong = url_of(valkey).replace("redis://:", "redis://:not-")
    assert Counter(wrong, clock).count(PER_HOUR, "a") is None
    counter = Counter(url_of(valkey), clock)
    counter.count(PER_HOUR, "a")
    counter._storage.storage.set(f"LIMITS:{PER_HOUR.key_for('b')}", "no number")
    assert counter.count(PER_HOUR, "b") is None


@pytest.mark.parametrize("bound", ["socket_timeout", "socket_connect_timeout"])
def test_a_url_cannot_make_a_call_wait_longer(bound: str) -> None:
    pool = counting._pool(f"redis://127.0.0.1:1/0?{bound}=30&client_name=shop")
    assert getattr(pool.make_connection(), bound) == counting.PATIENCE / 2
    assert pool.make_connection().client_name == "shop"


FIRST_COUNT = """
import encodings.idna, sys  # the first is there wherever Django is
from limits import RateLimitItemPerHour
from accounts import counting
before = set(sys.modules)
counting.Counter(sys.argv[1]).count(RateLimitItemPerHour(1000), "a")
print(*sorted(set(sys.modules) - before))
"""


def test_the_first_call_of_a_process_does_not_wait_for_imports(black_hole: BlackHole) -> None:
    words = [sys.executable, "-c", FIRST_COUNT, black_hole.url]
    assert subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() == ""


COUNT = """
import sys
from concurrent.futures import ThreadPoolExecutor
from limits import RateLimitItemPerHour
from accounts import counting
counting.PATIENCE = 60.0
counter = counting.Counter(sys.argv[1])
with ThreadPoolExecutor(4) as pool:
    print(*pool.map(lambda _: counter.count(RateLimitItemPerHour(1000), "a"), range(100)))
"""


def test_processes_and_threads_never_get_the_same_number(valkey: servers.Running) -> None:
    words = [sys.executable, "-c", COUNT, url_of(valkey)]
    both = [subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    counted = [int(count) for one in both for count in one.communicate(timeout=120)[0].split()]
    assert sorted(counted) == list(range(1, 201))
