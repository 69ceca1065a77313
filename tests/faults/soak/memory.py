"""What processes of a run hold in memory, from /proc."""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.faults.harness.acts import pids
from tests.faults.harness.grips import PROGRAMS, SERVERS
from tests.faults.harness.stack import Stack

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """One process at one moment. `began` (clock ticks since boot) tells two lives of one pid apart."""

    program: str
    #: "leader", which was started by the run, or "child": one that the leader started.
    part: str
    pid: int
    began: int
    #: Bytes: all that it sees in memory, what it shares with others included.
    rss: int
    #: Seconds since it was started.
    age: float


def processes(stack: Stack) -> Iterator[Process]:
    """Those of the programs; and of each server one that stands for all its processes, by its leader's life.

    Of a server `rss` is the sum of proportional shares (PSS), so that what its processes share counts once.
    """
    for program in PROGRAMS:
        leader = stack.pid_of(program)
        for pid in pids.whole(leader):
            if one := _process(program, "leader" if pid == leader else "child", pid):
                yield one
    for server in SERVERS:
        leader = stack.pid_of(server)
        if one := _process(server, "server", leader):
            yield Process(**(asdict(one) | {"rss": sum(map(_share, pids.whole(leader)))}))


def busy() -> float:
    """Seconds of all processors that were used since boot, by anything."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _waiting, *others = map(int, words[:8])
    return (user + nice + system + sum(others)) / _TICKS


def _process(program: str, part: str, pid: int) -> Process | None:
    """None where it has ended meanwhile."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except OSError:
        return None
    began = int(fields[19])
    return Process(program, part, pid, began, int(fields[21]) * _PAGE, uptime - began / _TICKS)


def _share(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def as_json(one: Process) -> dict[str, Any]:
    return asdict(one)
