"""Threads that ask: few where nobody is waited for, as many as there is work for where all are."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from unittest.mock import Mock

import pytest

from carriers import callers
from carriers.callers import FIRST, Callers
from tests.waiting import eventually


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    opened = threading.Event()
    yield opened
    opened.set()


def test_work_is_begun_in_its_order(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "FIRST", 1)
    did: list[int] = []
    crew = Callers(1)
    for nth in range(20):
        crew.do(lambda nth=nth: did.append(nth))  # type: ignore[misc]
    crew.do(gate.set)
    assert gate.wait(60)
    assert did == list(range(20))


def test_work_that_waits_for_carriers_gets_more_threads_up_to_the_most(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(callers, "BUSY", 1e9)
    together = threading.Barrier(10 + 1)
    crew = Callers(10)

    def work() -> None:
        with suppress(threading.BrokenBarrierError):  # the two that begin when all is over
            together.wait(60)
        gate.wait(60)

    for _ in range(12):
        crew.do(work)
    eventually(lambda: crew.look() or crew.threads == 10)
    together.wait(60)
    crew.look()
    assert crew.threads == 10
    together.abort()


def test_work_that_waits_for_the_processor_gets_none(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(callers, "BUSY", -1.0)
    crew = Callers(100)
    for _ in range(50):
        crew.do(lambda: bool(gate.wait(60)) and None)
    crew.look()
    assert crew.threads == FIRST


def test_work_that_waits_long_gets_more_though_something_else_keeps_the_processor_busy(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(callers, "BUSY", -1.0)
    monkeypatch.setattr(callers, "LONG", 0.1)
    crew, answered = Callers(100), threading.Event()
    for _ in range(FIRST):
        crew.do(lambda: bool(gate.wait(60)) and None)
    crew.do(answered.set)
    eventually(lambda: crew.look() or answered.is_set())


def test_where_the_machine_gives_no_threads_the_work_waits_for_one(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew = Callers(10)
    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", Mock(side_effect=RuntimeError("can't start new thread")))
        crew.do(gate.set)
    assert crew.threads == 0
    monkeypatch.setattr(callers, "BUSY", 1e9)
    eventually(lambda: crew.look() or gate.is_set())


def test_threads_without_work_end_and_others_follow_when_there_is_some(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "IDLE", 0.01)
    crew = Callers(10)
    crew.do(lambda: None)
    eventually(lambda: crew.threads == 0)
    crew.do(gate.set)
    assert gate.wait(60)
