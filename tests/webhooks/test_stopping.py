"""The word to stop, heard by processes that are forked, and killed."""

import os
import signal
import threading
from multiprocessing import get_context

import pytest

from webhooks.stopping import stop

PROCESSES = get_context("fork")


@pytest.fixture(autouse=True)
def _said_no_more():
    yield
    stop.clear()


def ask_for_ever(ready) -> None:
    ready.set()
    while True:
        stop.is_set()


def test_who_is_killed_while_asking_leaves_nobody_waiting() -> None:
    for _ in range(15):
        ready = PROCESSES.Event()
        asking = PROCESSES.Process(target=ask_for_ever, args=(ready,))
        asking.start()
        assert ready.wait(60)
        os.kill(asking.pid, signal.SIGKILL)
        asking.join()
        other = threading.Thread(target=stop.is_set, daemon=True)
        other.start()
        other.join(60)
        assert not other.is_alive()


def test_what_the_parent_says_is_heard_by_a_child_that_waits_and_said_once_is_enough() -> None:
    child = PROCESSES.Process(target=lambda: os._exit(stop.wait(60) and stop.is_set()))
    child.start()
    stop.set()
    stop.set()
    child.join()
    assert child.exitcode == 1
    assert stop.is_set()
    stop.clear()
    assert not stop.is_set()
    assert not stop.wait(0.001)


def test_a_process_that_ends_stops_by_itself_and_the_others_go_on() -> None:
    stop.set_here()
    assert stop.is_set()
    assert not stop.wait(0)
