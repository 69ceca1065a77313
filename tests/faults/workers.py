"""Celery workers as processes that a test may kill, stop and continue."""

import os
import signal
import sys
from pathlib import Path

from config import children
from tests.waiting import eventually

#: One worker that takes all queues: each fault then meets whatever a worker does.
QUEUES = "parcelwire,deliveries,late"


class Worker:
    """A worker with its pool, in a session of its own, which ends with the tests."""

    def __init__(
        self,
        name: str,
        data: Path,
        environment: dict[str, str],
        *,
        queues: str = QUEUES,
        pool: int = 1,
    ) -> None:
        words = f"-m celery -A config worker -Q {queues} --concurrency {pool} --loglevel INFO"
        words += f" --without-mingle --without-gossip -n {name}@%h"
        self._pool = pool
        self._data = data
        self._command = children.Command(name, [sys.executable, *words.split()], environment=environment)
        self.process = children.spawn(self._command, data)

    def pool(self) -> list[int]:
        """The process ids of those that do the work, as soon as all are there."""
        eventually(lambda: len(self.children()) == self._pool)
        return self.children()

    def kill(self) -> None:
        """SIGKILL to all of it at once, as if the machine had lost its power."""
        children.signal_group(self.process, signal.SIGKILL)
        self.process.wait(60)

    def kill_one_of_the_pool(self) -> None:
        """SIGKILL to a process that does the work; the worker starts another in its place."""
        os.kill(self.pool()[0], signal.SIGKILL)

    def stand_still(self) -> None:
        children.signal_group(self.process, signal.SIGSTOP)

    def go_on(self) -> None:
        children.signal_group(self.process, signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM: it ends in order. Its exit status."""
        self.process.terminate()
        return self.process.wait(60)

    def cpu(self) -> float:
        """Seconds of processor that it has used, the pool's among them."""
        return sum(_cpu(pid) for pid in [self.process.pid, *self.children()])

    def log(self) -> str:
        return children.log_file(self._data, self._command.name).read_text(errors="replace")

    def children(self) -> list[int]:
        """The process ids of its pool, as many as there are at this moment."""
        pid = self.process.pid
        try:
            return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except FileNotFoundError:
            return []


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
