"""Programs that are told to end, replaced, or made to stand still, while there is work."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.harness.acts import pids
from tests.faults.harness.acts.act import Fault, Note
from tests.faults.harness.grips import Grips

#: Seconds that a program which was told to end may take; what takes longer is killed, and counts as such.
PATIENCE = 20.0
#: Seconds after which a new one must be there.
_START = 30.0
#: Replaced together, one group after the other: there is always somebody who does each kind of work.
_TURNS = (("web-0", "worker", "worker-late"), ("web-1", "worker-deliveries", "beat"))


@contextmanager
def told(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """`how`: the signal, or "twice", which is SIGTERM and, while that is heeded, another."""
    first = signal.SIGTERM if fault["how"] == "twice" else signal.Signals[fault["how"]]
    again = signal.SIGTERM if fault["how"] == "twice" else None
    replace(grips, fault["target"], note, first=first, again=again)
    yield


@contextmanager
def rolling(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """Everything is replaced, as a deployment does it."""
    for turn in _TURNS:
        all_at_once = [threading.Thread(target=replace, args=(grips, each, note)) for each in turn]
        for each in all_at_once:
            each.start()
        for each in all_at_once:
            each.join()
    yield


@contextmanager
def standing_still(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """All of a program stops, and goes on as if no time had passed. `target`: also "fleet" or "carrier"."""
    those = pids.whole(grips.pid_of(fault["target"]))
    pids.send(those, signal.SIGSTOP)
    note("stopped", program=fault["target"], pids=those)
    try:
        yield
    finally:
        pids.send(those, signal.SIGCONT)


def replace(
    grips: Grips,
    program: str,
    note: Note,
    *,
    first: signal.Signals = signal.SIGTERM,
    again: signal.Signals | None = None,
) -> int:
    """Tell it to end, and see that it does and that another is there. The process id of that.

    Raises AssertionError where none is started.
    """
    old = grips.pid_of(program)
    those = pids.whole(old)
    pids.send(those[:1], first)
    note("told", program=program, pids=those, signal=first.name)
    if again and not pids.all_gone(those[:1], 0.5):
        pids.send(those[:1], again)
        note("told", program=program, pids=those, signal=again.name)
    if not pids.all_gone(those, PATIENCE):
        pids.send(those, signal.SIGKILL)
        note("killed", program=program, pids=those, signal="SIGKILL", why="it did not end")
    new = pids.successor(grips, program, old, _START)
    assert new, f"{program} was not started again"
    return new
