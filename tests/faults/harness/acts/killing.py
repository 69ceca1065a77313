"""SIGKILL: at any moment, before a subscriber's answer, right after it, and at fault points."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.harness import points
from tests.faults.harness.acts import pids
from tests.faults.harness.acts.act import Fault, Note
from tests.faults.harness.grips import WORKERS, Grips

_MOMENT = 0.05


@contextmanager
def program(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """`how`: whole, all of it at once, as if the power were gone; parent; child, one of those that work."""
    kill(grips, fault["target"], fault["how"], note)
    yield


@contextmanager
def before_answer(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """Whoever waits for a subscriber's answer: the request has arrived, and nothing comes back."""
    peer = grips.subscribers.hold(fault["for"])
    try:
        _kill_sender(grips, peer, fault["how"], note)
    finally:
        grips.subscribers.let_go()
    yield


@contextmanager
def after_answer(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """Whoever was answered 200 just now, recorded or not."""
    _kill_sender(grips, grips.subscribers.answered(fault["for"]), fault["how"], note)
    yield


@contextmanager
def at_point(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """Whoever of the program comes by the fault point `how` first. Not all do while it lasts."""
    folder = grips.folder / "points"
    points.arm(folder, fault["how"], fault["target"])
    end = time.monotonic() + fault["for"]
    try:
        while not points.struck(folder, fault["how"], fault["target"]) and time.monotonic() < end:
            time.sleep(_MOMENT)
    finally:
        pid = points.disarm(folder, fault["how"], fault["target"])
    if pid:
        note("killed", program=fault["target"], pids=[pid], signal="SIGKILL", point=fault["how"])
    else:
        note("missed")
    yield


def kill(grips: Grips, name: str, how: str, note: Note, one: int = 0) -> None:
    """`one`: the child meant, where it is one. Notes all that die of it."""
    leader = grips.pid_of(name)
    below = pids.whole(leader)
    if how == "child":
        below = [one or next(iter(pids.children_of(leader)), leader)] if leader else []
    if not below:
        note("missed")
        return
    # The leader first: it would start anew what dies before it.
    pids.send(below[:1] if how == "parent" else below, signal.SIGKILL)
    note("killed", program=name, pids=below, signal="SIGKILL")


def _kill_sender(grips: Grips, peer: int, how: str, note: Note) -> None:
    name, pid = pids.sender_at(grips, WORKERS, peer) if peer else ("", 0)
    if pid:
        kill(grips, name, how, note, pid)
    else:
        note("missed", peer=peer)
