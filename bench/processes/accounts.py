"""What processors were used for, by the kernel's accounts: of each program, with all that it started."""

import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.stage import Stage

_TICK = 1 / os.sysconf("SC_CLK_TCK")
POSTGRES = "PostgreSQL"
#: Whatever else the machine did: Valkey, the bench itself, other people's work, what the host took away.
REST = "the rest"


@dataclass(frozen=True, slots=True)
class Look:
    """What had been used at a moment: seconds of processors by program, bytes of WAL, transactions."""

    at: float
    used: Mapping[str, float]
    wal: int
    transactions: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What so many pieces of work took. `seconds` are the clock's, `used` those of processors by program."""

    count: int
    seconds: float
    used: Mapping[str, float]
    wal: int
    transactions: int

    def each(self, program: str) -> float:
        """Microseconds of a processor that one piece took of this program."""
        return self.used[program] / self.count * 1e6

    @property
    def processors(self) -> float:
        """How many processors were busy, of all that the machine has."""
        return sum(self.used.values()) / self.seconds


class Accounts:
    """Of PostgreSQL, and of other programs."""

    def __init__(self, on: Stage, programs: Mapping[str, Sequence[int]]) -> None:
        """`programs`: processes by what they are called together."""
        self._database = on.database()
        self._roots = {POSTGRES: [postmaster(on)], **programs}

    def look(self) -> Look:
        """Now. Statistics of transactions are up to a second late."""
        wal, transactions = self._database.execute(
            "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn, (SELECT xact_commit FROM pg_stat_database"
            " WHERE datname = current_database())"
        ).fetchone() or (0, 0)
        family = _family()
        used = {called: sum(_used(root, family) for root in pids) for called, pids in self._roots.items()}
        used[REST] = _machine() - sum(used.values())
        return Look(time.monotonic(), used, int(wal), int(transactions))

    def since(self, before: Look, count: int) -> Spent:
        """What these pieces of work took, which have just ended."""
        now = self.look()
        used = {called: now.used[called] - seconds for called, seconds in before.used.items()}
        time.sleep(1.1)  # until all sessions have told of their transactions
        late = self.look()
        return Spent(
            count, now.at - before.at, used, now.wal - before.wal, late.transactions - before.transactions
        )

    def close(self) -> None:
        """Leave the database."""
        self._database.close()


def pid_of(on: Stage, name: str) -> int:
    """A process that the stage has started under this name."""
    return int((on.data / "run" / f"{name}.pid").read_text().split()[0])


def postmaster(on: Stage) -> int:
    """The process that all of PostgreSQL's are children of."""
    return int((on.data / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])


def pin(root: int, processors: set[int]) -> None:
    """This process, its children, and those that they start, on these processors only."""
    family = _family()
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        waiting += family.get(pid, [])
        with suppress(ProcessLookupError):
            os.sched_setaffinity(pid, processors)


def _family() -> dict[int, list[int]]:
    """The children of every process."""
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _fields(int(folder.name))):
            children[int(fields[1])].append(int(folder.name))
    return children


def _machine() -> float:
    """Seconds of all processors that were not idle since the machine started."""
    user, nice, system, _, _, *interrupts = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    return sum(map(int, (user, nice, system, *interrupts))) * _TICK


def _used(root: int, family: Mapping[int, list[int]]) -> float:
    """With what those used that have ended since: whoever waited for them has it on its account."""
    fields = _fields(root)
    own = sum(map(int, fields[11:15])) * _TICK if fields else 0.0
    return own + sum(_used(child, family) for child in family.get(root, []))


def _fields(pid: int) -> list[str]:
    """Of /proc/PID/stat, from the third on; none where it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []
