"""The servers and programs of a run: the real ones, started again when they end, with ways between them.

A stack is what `tests.faults.harness.grips` asks for. Whatever is started is started by one thread, which
lives as long as the stack: a child ends with the thread that started it.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from config import children, loopback, servers
from tests.faults.harness import ports, template
from tests.faults.harness.grips import PROGRAMS, SERVERS, Subscribers
from tests.faults.harness.nobody import Nobody
from tests.faults.harness.proxy import Way, Ways

T = TypeVar("T")

WEBS = ("web-0", "web-1")
#: What each program that is no web is told after `manage.py`.
_WORDS: Mapping[str, Sequence[str]] = {
    "worker": ("worker", "parcelwire"),
    "worker-deliveries": ("worker", "deliveries"),
    "worker-late": ("worker", "late"),
    "beat": ("beat",),
}
#: Leases, deadlines and sweeps that are short, so that half a minute sees them run out.
SHORT: Mapping[str, str] = {
    "POLL_LEASE": "6",
    "DELIVERY_LEASE": "6",
    "CARRIER_DEADLINE": "4",
    "DELIVERY_DEADLINE": "5",
    "DELIVERY_CONNECT_DEADLINE": "3",
    "SWEEP_INTERVAL": "1",
    "DRAIN_SECONDS": "1",
    "POLL_NOW_MIN_INTERVAL": "0",
    "TRACK_WAIT": "3",
    "API_RATE_LIMIT": "off",
    "LOG_FORMAT": "json",
    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "CARRIER_ALLOWED_NETWORKS": "127.0.0.0/8",
    "DJANGO_SETTINGS_MODULE": "tests.faults.harness.settings",
    "PYTHONUNBUFFERED": "1",
}
#: Seconds between two starts of one program, and between two looks who has ended.
_PAUSE, _LOOK = 0.5, 0.02
#: Seconds that a server may take to answer, and programs to end in order: they promise half of that.
PATIENCE, _ENDING = 120.0, 60.0


@dataclass
class _Program:
    command: children.Command
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    #: How often it was started.
    starts: int = 0


@dataclass
class Stack:
    """See the module. Made by `stack`."""

    folder: Path
    #: Beyond SHORT, what every program has in its environment.
    environment: Mapping[str, str] = field(default_factory=dict)
    subscribers: Subscribers = field(default_factory=Nobody)
    ways: dict[tuple[str, str], Way] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data = self.folder / "data"
        self.ports = {name: ports.free() for name in WEBS}
        self._servers = {
            "postgres": servers.Postgres(self.data),
            "valkey": servers.Valkey(self.data, durable=False),
        }
        self._running: dict[str, servers.Running] = {}
        self._programs: dict[str, _Program] = {}
        self._given: dict[str, Mapping[str, str]] = {}
        self._others: dict[str, subprocess.Popen[bytes]] = {}
        self._over = threading.Event()
        self._supervising = True
        self._asked: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._ways = Ways()
        self._thread = threading.Thread(target=self._supervise, name="supervision", daemon=True)
        self._thread.start()

    # What is asked of it.

    def start_servers(self) -> None:
        """PostgreSQL and Valkey, on the data folder that is there; a way leads to each from every program."""
        for name, server in self._servers.items():
            port = ports.free()
            self._running[name] = self._do(
                lambda server=server, port=port: servers.launch(server, self.data, port)
            )
            self.come_back(name)
            for program in PROGRAMS:
                self.ways[program, name] = self._ways.open(loopback.HOST, self._running[name].port)

    def start_programs(self) -> None:
        """All of them; from now on each is started again when it ends."""
        for name in PROGRAMS:
            words = ("web", "--port", str(self.ports[name])) if name in WEBS else _WORDS[name]
            self._programs[name] = _Program(
                children.Command(name, [sys.executable, "manage.py", *words], environment=self._own(name))
            )

    def start_other(self, name: str, *words: str, listens_on: int = 0) -> None:
        """A Python program that is none of the project's, such as a carrier; nobody starts it again."""
        command = children.Command(name, [sys.executable, *words])
        self._others[name] = self._do(lambda: children.spawn(command, self.data))
        if listens_on and not children.wait_until(
            lambda: not loopback.port_is_free(loopback.HOST, listens_on), PATIENCE
        ):
            raise TimeoutError(f"{name} does not listen: {children.log_tail(self.data, name)}")

    def way_to(self, program: str, server: str, port: int) -> int:
        """Lay a way from this program to another server. The port at its beginning."""
        way = self.ways[program, server] = self._ways.open(loopback.HOST, port)
        return way.port

    def pid_of(self, name: str) -> int:
        """See `Grips`."""
        process = self._process(name)
        return process.pid if process is not None and process.poll() is None else 0

    def starts_of(self, program: str) -> int:
        """How often it was started."""
        return self._programs[program].starts

    def give(self, program: str, environment: Mapping[str, str]) -> None:
        """See `Grips`."""
        self._given[program] = dict(environment)

    def come_back(self, server: str) -> None:
        """See `Grips`."""
        running = self._running[server]
        if running.process.poll() is not None:
            self._running[server] = self._do(lambda: servers.launch(running.server, self.data, running.port))
        if not children.wait_until(lambda: not running.server.refusal(running.port), PATIENCE):
            raise TimeoutError(f"{server} does not come back: {children.log_tail(self.data, server)}")

    def url_of(self, server: str) -> str:
        """See `Grips`."""
        running = self._running[server]
        return running.server.url(running.port)

    def app_url(self) -> str:
        """The database as the application sees it, past every way."""
        return template.app_url(self.url_of("postgres"))

    def environment_of(self, program: str) -> dict[str, str]:
        """What it has in its environment, but that it reaches its servers past every way."""
        return self._own(program) | {"DATABASE_URL": self.app_url(), "REDIS_URL": self.url_of("valkey")}

    def wait_until_ready(self, *webs: str) -> None:
        """Until these webs, by default both, take calls."""
        for name in webs or WEBS:
            url = f"http://{loopback.HOST}:{self.ports[name]}/readyz?of=web"
            if not children.wait_until(lambda url=url: loopback.http_status(url) == 200, PATIENCE):
                raise TimeoutError(f"{name} takes no calls: {children.log_tail(self.data, name)}")

    def end_programs(self) -> dict[str, tuple[int, float]]:
        """SIGTERM to all, and none is started again. The exit status of each, and after how many seconds it
        was seen to have ended; -9: it had to be killed.
        """
        self._do(self._stop_supervising)
        running = {name: one.process for name, one in self._programs.items() if one.process}
        for process in running.values():
            if process.poll() is None:
                process.terminate()
        began, ended = time.monotonic(), dict.fromkeys(running, _ENDING)

        def have_ended() -> bool:
            for name, process in running.items():
                if process.poll() is not None and ended[name] == _ENDING:
                    ended[name] = time.monotonic() - began
            return max(ended.values(), default=0.0) < _ENDING

        children.wait_until(have_ended, _ENDING)
        for process in running.values():
            children.signal_group(process, signal.SIGKILL)
        return {name: (process.wait(60), ended[name]) for name, process in running.items()}

    def close(self) -> None:
        """End all that runs, at once."""
        self._do(self._stop_supervising)
        programs = [one.process for one in self._programs.values() if one.process]
        for process in [*programs, *self._others.values()]:
            children.signal_group(process, signal.SIGKILL)
            process.wait(60)
        for running in self._running.values():
            children.signal_group(running.process, signal.SIGCONT)
        servers.stop([*self._running.values()], self.data, time.monotonic() + 5)
        self._over.set()
        self._thread.join()
        self._ways.close()

    # How it does that.

    def _own(self, program: str) -> dict[str, str]:
        reached = {server: self.ways[program, server].port for server in SERVERS}
        database = template.app_url(self._servers["postgres"].url(reached["postgres"]))
        redis = self._servers["valkey"].url(reached["valkey"])
        own = self.data / "of" / program
        (own / "static").mkdir(parents=True, exist_ok=True)
        told = {
            "PARCELWIRE_DATA": str(own),
            "FAULT_POINTS": str(self.folder / "points"),
            "FAULT_PROGRAM": program,
        }
        return template.project(self.data, database, redis) | {**SHORT, **self.environment, **told}

    def _process(self, name: str) -> subprocess.Popen[bytes] | None:
        if name in self._running:
            return self._running[name].process
        if name in self._others:
            return self._others[name]
        return self._programs[name].process

    def _do(self, what: Callable[[], T]) -> T:
        """Have the thread that starts things do this, and wait until it is done."""
        told: Future[T] = Future()
        self._asked.put((told, what))
        return told.result(PATIENCE * 2)

    def _supervise(self) -> None:
        while not self._over.is_set():
            try:
                told, what = self._asked.get(timeout=_LOOK)
            except Empty:
                self._restart_what_ended()
                continue
            try:
                told.set_result(what())
            except Exception as error:  # noqa: BLE001 (whoever asked is told)
                told.set_exception(error)

    def _restart_what_ended(self) -> None:
        for name, program in [*self._programs.items()] if self._supervising else ():
            ended = program.process is None or program.process.poll() is not None
            if ended and time.monotonic() - program.began >= _PAUSE:
                self._start(name, program)

    def _start(self, name: str, program: _Program) -> None:
        if program.process is not None:  # what is left of its group, as systemd does
            children.signal_group(program.process, signal.SIGKILL)
        environment = {**(program.command.environment or {}), **self._given.get(name, {})}
        command = children.Command(name, program.command.words, environment=environment)
        program.process = children.spawn(command, self.data)
        program.began = time.monotonic()
        program.starts += 1

    def _stop_supervising(self) -> None:
        self._supervising = False


@contextmanager
def stack(
    folder: Path, made: Path, *, subscribers: Subscribers | None = None, **environment: str
) -> Iterator[Stack]:
    """A stack in this folder, with its servers running on a copy of the template `made`; all ends with it."""
    template.copy(made, folder / "data")
    one = Stack(folder, environment, subscribers or Nobody())
    try:
        one.start_servers()
        yield one
    finally:
        one.close()
