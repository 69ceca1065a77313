"""A small stack to try acts on: servers of its own, programs that do nothing, a fleet that says who came."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config import children, servers
from tests.faults.harness.acts import ACTS
from tests.faults.harness.grips import PROGRAMS, SERVERS
from tests.faults.harness.proxy import Ways
from tests.waiting import eventually

#: A program with a child, both of which sleep. What the first one believes the time to be goes into its log.
_SLEEPER = """
import os, signal, sys, time
if not os.fork():
    time.sleep(600)
print(os.getpid(), time.time(), flush=True)
time.sleep(600)
"""


class Small:
    """Fulfils `Grips`. Programs are started as they are asked for, and again when they end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment: dict[str, dict[str, str]] = {}
        self._alive: dict[str, subprocess.Popen[bytes]] = {}
        kept = servers.Postgres(folder, durable=False), servers.Valkey(folder, durable=False)
        self._servers = {each.name: servers.start(each, folder) for each in kept}
        self._ways = Ways()
        self.ways = {
            (program, name): self._ways.open("127.0.0.1", self._servers[name].port)
            for program in PROGRAMS
            for name in SERVERS
        }
        self.ways["worker", "carrier"] = self._ways.open("127.0.0.1", self._servers["valkey"].port)
        self.subscribers = Fleet()
        self._over = threading.Event()
        self._tending = threading.Thread(target=self._tend, daemon=True)
        self._tending.start()

    def pid_of(self, name: str) -> int:
        if name in self._servers:
            return self._servers[name].process.pid
        if name not in self._alive:
            self._start(name)
        process = self._alive[name]
        return 0 if process.poll() is not None else process.pid

    def give(self, program: str, environment: Mapping[str, str]) -> None:
        self._environment[program] = dict(environment)

    def come_back(self, server: str) -> None:
        running = self._servers[server]

        def answers() -> bool:
            nonlocal running
            if running.process.poll() is not None:
                running = servers.launch(running.server, self.folder, running.port)
                self._servers[server] = running
            return not running.server.refusal(running.port)

        eventually(answers)

    def url_of(self, server: str) -> str:
        running = self._servers[server]
        return running.server.url(running.port)

    def says(self, program: str) -> list[tuple[int, float]]:
        """The process ids of its lives, and what time it was in each as it began."""
        lines = [line.split() for line in (self.folder / f"{program}.log").read_text().splitlines()]
        return [(int(line[0]), float(line[1])) for line in lines if len(line) == 2]

    def child_of(self, program: str) -> int:
        """The process below it, as soon as it is there."""
        found: list[int] = []

        def is_there() -> bool:
            pid = self.pid_of(program)
            file = Path(f"/proc/{pid}/task/{pid}/children")
            found[:] = [int(one) for one in file.read_text().split()] if file.exists() else []
            return bool(found)

        eventually(is_there)
        return found[0]

    def end(self) -> None:
        self._over.set()
        self._tending.join()
        for process in self._alive.values():
            children.signal_group(process, children.signal.SIGKILL)
            process.wait()
        self._ways.close()
        self.subscribers.end()
        servers.stop([*self._servers.values()], self.folder, time.monotonic() + 10)

    def _start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._alive[name] = subprocess.Popen(
                [sys.executable, "-S", "-c", _SLEEPER],
                stdout=log,
                start_new_session=True,
                env=os.environ | self._environment.get(name, {}),
            )

    def _tend(self) -> None:
        while not self._over.wait(0.01):
            for name, process in [*self._alive.items()]:
                if process.poll() is not None:
                    children.signal_group(process, children.signal.SIGKILL)
                    self._start(name)


class Fleet:
    """Has whoever connects wait, and says from where that is."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._held: list[socket.socket] = []

    def hold(self, seconds: float) -> int:
        self._listener.settimeout(seconds)
        try:
            came, peer = self._listener.accept()
        except TimeoutError:
            return 0
        self._held.append(came)
        port: int = peer[1]
        return port

    def let_go(self) -> None:
        while self._held:
            self._held.pop().close()

    answered: Callable[["Fleet", float], int] = hold

    def end(self) -> None:
        self.let_go()
        self._listener.close()


class Notes(list[dict[str, Any]]):
    """What an act noted."""

    def __call__(self, what: str, **facts: Any) -> None:
        self.append({"what": what, **facts})

    def pids(self, what: str = "killed") -> list[int]:
        return [pid for note in self if note["what"] == what for pid in note["pids"]]


def act(stack: Small, kind: str, target: str, how: str = "", seconds: float = 0.0) -> tuple[Any, Notes]:
    notes = Notes()
    fault = {"kind": kind, "target": target, "how": how, "for": seconds}
    return ACTS[kind](stack, fault, notes), notes


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@contextmanager
def small_stack(folder: Path) -> Iterator[Small]:
    made = Small(folder)
    try:
        yield made
    finally:
        made.end()
