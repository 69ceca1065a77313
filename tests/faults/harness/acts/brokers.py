"""Valkey: gone and back with nothing, hanging, emptied."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from tests.faults.harness.acts import pids
from tests.faults.harness.acts.act import Fault, Note
from tests.faults.harness.grips import Grips


@contextmanager
def killed(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """By SIGKILL; it keeps nothing, so that it comes back empty."""
    pid = grips.pid_of("valkey")
    pids.send([pid], signal.SIGKILL)
    note("crashed", server="valkey", pids=[pid])
    pids.all_gone([pid], 30)
    try:
        yield
    finally:
        grips.come_back("valkey")


@contextmanager
def stopped(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """It keeps its connections and answers nothing, then goes on."""
    those = [grips.pid_of("valkey")]
    pids.send(those, signal.SIGSTOP)
    note("stopped", server="valkey", pids=those)
    try:
        yield
    finally:
        pids.send(those, signal.SIGCONT)


@contextmanager
def flushed(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """It forgets everything: queues, who listens, what is counted."""
    with redis.Redis.from_url(grips.url_of("valkey"), socket_timeout=10) as client:
        client.flushall()
    yield
