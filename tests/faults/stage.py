"""The stage of a fault: a broker of its own, workers, who announces, and a subscriber that testifies.

PostgreSQL is that of the tests, on the database of the test's process. Beat is never there.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from config import children, loopback, servers
from tests.faults.witness import Witness, witness
from tests.faults.workers import QUEUES, Worker
from tests.processes import ROOT
from tests.waiting import eventually

#: Seconds between two looks of a worker without a nudge.
SWEEP = 0.3


def database_url(port: int) -> str:
    """The database of the tests, by way of this port."""
    at = connection.settings_dict
    return f"postgres://{at['USER']}:{quote(at['PASSWORD'])}@{at['HOST']}:{port}/{at['NAME']}"


class Broker:
    """A Valkey that a test may take away; it comes back empty, at the same port."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._server = servers.Valkey(data, durable=False)
        self._running = servers.start(self._server, data)

    @property
    def url(self) -> str:
        return self._server.url(self._running.port)

    def kill(self) -> None:
        children.signal_group(self._running.process, signal.SIGKILL)
        self._running.process.wait(60)

    def hang(self) -> None:
        """Keep its connections and answer nothing."""
        children.signal_group(self._running.process, signal.SIGSTOP)

    def come_back(self) -> None:
        """After `kill` or `hang`; returns when it answers."""
        children.signal_group(self._running.process, signal.SIGCONT)
        if self._running.process.poll() is not None:
            self._running = servers.launch(self._server, self._data, self._running.port)
        eventually(lambda: not loopback.valkey_refusal(self.url))


class Announcer:
    """Drives `tests.faults.announcing`."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.announcing"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def announce(self, merchant_id: object, count: int = 1, *, then: str = "nudge") -> list[str]:
        """The ids of new messages, each committed by itself and nudged for."""
        self._ask(merchant_id, count, then)
        ids: list[str] = json.loads(self._process.stdout.readline())
        return ids

    def until_heard(self, merchant_id: object, count: int = 1, *, seen: Callable[[], bool]) -> None:
        """Announce, and nudge again until `seen`: a nudge is lost where Redis takes too long to answer.

        For workers that do not look by themselves.
        """
        self.announce(merchant_id, count)
        eventually(lambda: seen() or self.announce(merchant_id, 0))

    def announce_and_die(self, merchant_id: object) -> None:
        """Commit a message, and be killed before anybody is nudged."""
        self._ask(merchant_id, 1, "die")
        assert self._process.wait(60) == -signal.SIGKILL

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self, merchant_id: object, count: int, then: str) -> None:
        self._process.stdin.write(json.dumps({"merchant": str(merchant_id), "count": count, "then": then}))
        self._process.stdin.write("\n")
        self._process.stdin.flush()


class Stage:
    """What a test of faults plays with."""

    def __init__(self, data: Path, broker: Broker, seen: Witness) -> None:
        self.broker = broker
        self.seen = seen
        self.workers: list[Worker] = []
        self._data = data
        self._announcers: list[Announcer] = []

    def worker(self, *, queues: str = QUEUES, pool: int = 1, **environment: str) -> Worker:
        """Start one; what is given goes into its environment. It works in a second or so."""
        name = f"worker-{len(self.workers)}"
        own = self._environment() | environment
        self.workers.append(Worker(name, self._data, own, queues=queues, pool=pool))
        return self.workers[-1]

    def announcer(self) -> Announcer:
        """Start a process that announces."""
        self._announcers.append(Announcer(self._environment()))
        return self._announcers[-1]

    def end(self) -> None:
        for worker in self.workers:
            worker.go_on()
            worker.kill()
        for announcer in self._announcers:
            announcer.end()

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": database_url(connection.settings_dict["PORT"]),
            "REDIS_URL": self.broker.url,
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            # A busy machine is slow.
            "DELIVERY_DEADLINE": "60",
            "DELIVERY_CONNECT_DEADLINE": "60",
            "SWEEP_INTERVAL": str(SWEEP),
            "PYTHONUNBUFFERED": "1",
        }


@contextmanager
def stage(data: Path) -> Iterator[Stage]:
    """A stage with a broker and a subscriber, and nobody else yet; all ends with the block."""
    with witness() as seen:
        broker = Broker(data)
        made = Stage(data, broker, seen)
        try:
            yield made
        finally:
            made.end()
            broker.kill()
