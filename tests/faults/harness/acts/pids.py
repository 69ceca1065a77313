"""Processes by their ids: who belongs to whom, who holds a connection, who is gone."""

import contextlib
import os
import signal
from collections.abc import Iterable, Sequence
from pathlib import Path

from config import children
from tests.faults.harness.grips import Grips
from tests.faults.senders import links_of, open_files


def children_of(pid: int) -> list[int]:
    """Those that this process started and that are there."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def whole(leader: int) -> list[int]:
    """The process and all below it; none where there is no process."""
    return [leader, *(each for child in children_of(leader) for each in whole(child))] if leader else []


def sender_at(grips: Grips, programs: Iterable[str], port: int) -> tuple[str, int]:
    """The program and the process whose connection has this port at its own end; ("", 0): none of them."""
    links = links_of(port)
    for program in programs:
        for pid in whole(grips.pid_of(program)):
            if links & open_files(pid):
                return program, pid
    return "", 0


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Signal each that is there. 0, which would be our own group, is nobody."""
    for pid in filter(None, pids):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def is_gone(pid: int) -> bool:
    """Whether it has ended, collected by its parent or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def all_gone(pids: Sequence[int], seconds: float) -> bool:
    """Whether they end within so many seconds."""
    return children.wait_until(lambda: all(is_gone(pid) for pid in pids), seconds)


def successor(grips: Grips, program: str, of: int, seconds: float) -> int:
    """The process that was started in the place of this one; 0 where none is within so many seconds."""
    found = 0

    def is_there() -> bool:
        nonlocal found
        found = grips.pid_of(program)
        return found not in {0, of} and not is_gone(found)

    return found if children.wait_until(is_there, seconds) else 0
