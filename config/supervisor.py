"""The whole stack under one process: started in order, tended, restarted with backoff, stopped in order."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import redis
from django.conf import settings

from config import children, embedded, heartbeat, loopback, occupancy, programs, servers

#: Seconds for the first `ready`, and for web, workers and beat to end in order before they are killed.
READY_PATIENCE = 120.0
STOP_PATIENCE = 3.0
#: Seconds, counted like those, at which Valkey and PostgreSQL are killed; the interpreter ends after them.
_SERVERS_STOP_PATIENCE = 4.2
#: A child that lived this long, in seconds, starts again with the shortest pause.
_STEADY = 60.0
_LONGEST_PAUSE = 30.0
#: Seconds that `up` waits for the servers of single commands to end.
_COMMAND_PATIENCE = 30.0
#: The workers that send.
_SENDERS = {"worker-deliveries", "worker-late"}


class StackError(Exception):
    """The stack cannot be started; the message says why."""


def pause_before_restart(failures: int) -> float:
    """Seconds to wait after the `failures`-th death in a row, counted from 1: doubling from half a second."""
    doublings = min(failures, 10) - 1
    return float(min(0.5 * 2.0**doublings, _LONGEST_PAUSE))


@dataclass(slots=True)
class Child:
    """A child that is kept running."""

    command: children.Command
    process: subprocess.Popen[bytes]
    #: time.monotonic() of its start, and of its next one where it is dead.
    since: float
    restart_at: float | None = None
    failures: int = 0

    def note_death(self) -> float:
        """Decide the pause before the next start; seconds."""
        now = time.monotonic()
        self.failures = 1 if now - self.since > _STEADY else self.failures + 1
        pause = pause_before_restart(self.failures)
        self.restart_at = now + pause
        return pause


class Stack:
    """PostgreSQL, Valkey, web, workers and beat on one data folder.

    DATABASE_URL and REDIS_URL, each where it is set, stand in for the embedded server. The children end
    with the thread that calls `start`.
    """

    def __init__(self, data: Path, host: str, port: int, say: Callable[[str], None]) -> None:
        self.data = data
        self.host = host
        self.port = port or loopback.free_port()
        self.environment: dict[str, str] = dict(os.environ)
        self.environment |= {
            "PARCELWIRE_DATA": str(data),
            "PARCELWIRE_SUPERVISED": "1",
            "PYTHONUNBUFFERED": "1",
            "DRAIN_SECONDS": "0",  # nobody stands before it who would have to notice
        }
        self._say = say
        self._lock: IO[str] | None = None
        self._running: dict[str, servers.Running] = {}
        self._children: dict[str, Child] = {}

    @property
    def url(self) -> str:
        """Where the web answers, seen from this machine."""
        host = {"0.0.0.0": loopback.HOST, "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def start(self, who: str) -> None:
        """Start everything, and return when a request and a task have gone through.

        The workers that send are started then: a second earlier they would keep the others from it.
        `who` is what a second one on the same data is told. Raises StackError, servers.ServerError,
        occupancy.OccupiedError.
        """
        self._lock = self._occupy(f"{who} (pid {os.getpid()})")
        if not loopback.port_is_free(self.host, self.port):
            raise StackError(f"{self.host}:{self.port} is taken by another program; choose another --port")
        (self.data / "static").mkdir(exist_ok=True)  # WhiteNoise warns where it is missing
        self._start_servers()
        self._migrate()
        began = datetime.now(UTC)
        commands = self._commands()
        for command in commands:
            children.reap(command, self.data)
        self._spawn(*(each for each in commands if each.name not in _SENDERS))
        self._say("web, workers and beat are starting")
        self._wait_until_ready(began)
        self._spawn(*(each for each in commands if each.name in _SENDERS))

    def tend(self) -> None:
        """Notice the children that died, and start again those whose pause is over. To be called often."""
        for child in self._children.values():
            if child.restart_at is None:
                if child.process.poll() is not None:
                    self._mourn(child)
            elif time.monotonic() >= child.restart_at:
                self._restart(child)

    def stop(self, asked_at: float) -> None:
        """End everything: first web, workers and beat, then Valkey and PostgreSQL.

        Takes less than five seconds, counted from `asked_at` (time.monotonic()). A Celery worker that has
        nothing to do needs up to 2.6 of them: it looks for the signal once a second, and its processes
        sleep for one before they end.
        """
        own = [child for name, child in self._children.items() if name not in self._running]
        children.stop([(child.process, child.command) for child in own], self.data, asked_at + STOP_PATIENCE)
        if self._lock is None:
            return
        occupancy.forget(self.data)
        deadline = asked_at + _SERVERS_STOP_PATIENCE
        servers.stop([*self._running.values()], self.data, deadline)
        self._reap_interrupted(deadline)
        self._lock.close()

    def _reap_interrupted(self, deadline: float) -> None:
        """End what was being started when the stop came."""
        begun = [children.Command(name, ()) for name in ("migrate", "initdb")]
        begun += [server.command(0) for server in embedded.stand_ins(self.data)]
        for command in begun:
            children.reap(command, self.data, max(0.1, deadline - time.monotonic()))

    def _occupy(self, who: str) -> IO[str]:
        try:
            return occupancy.occupy(self.data, who)
        except occupancy.OccupiedError:
            if not occupancy.holder(self.data).startswith("a command"):
                raise
        self._say(f"waiting for {occupancy.holder(self.data)} to end")
        return occupancy.occupy(self.data, who, _COMMAND_PATIENCE)

    def _start_servers(self) -> None:
        for server in embedded.stand_ins(self.data):
            running = servers.start(server, self.data)
            self._running[server.name] = running
            self._keep(running.command, running.process)
            self._say(f"{server.name} runs on {loopback.HOST}:{running.port}")
        occupancy.record(self.data, [*self._running.values()])
        self.environment |= embedded.urls([*self._running.values()])

    def _migrate(self) -> None:
        words = [sys.executable, "manage.py", "migrate", "--no-input"]
        command = children.Command("migrate", words, environment=self.environment)
        children.reap(command, self.data)
        if children.spawn(command, self.data).wait():
            raise StackError(f"migrate failed:\n{children.log_tail(self.data, 'migrate', 20)}")
        self._say("the database is migrated")

    def _commands(self) -> list[children.Command]:
        """Where METRICS_PORT is set it is the exporter's, and the others have those after it."""
        first = settings.METRICS_PORT
        stack = programs.stack(self.host, self.port, measured=bool(first)).items()
        return [
            children.Command(
                name,
                [sys.executable, "manage.py", *words],
                environment=self.environment | ({"METRICS_PORT": str(first + nth)} if first else {}),
            )
            for nth, (name, words) in enumerate(stack)
        ]

    def _spawn(self, *commands: children.Command) -> None:
        for command in commands:
            self._keep(command, children.spawn(command, self.data))

    def _wait_until_ready(self, began: datetime) -> None:
        deadline = time.monotonic() + READY_PATIENCE
        while waiting_for := self._unready(began):
            if time.monotonic() > deadline:
                raise StackError(
                    f"not ready after {READY_PATIENCE:.0f} s: {waiting_for}; see {self.data / 'log'}"
                )
            self.tend()
            time.sleep(0.05)

    def _unready(self, began: datetime) -> str:
        if loopback.http_status(f"{self.url}/healthz") != 200:
            return f"the web does not answer {self.url}/healthz"
        try:
            own = embedded.urls([*self._running.values()])
            beat = heartbeat.last_beat(own.get("REDIS_URL", settings.REDIS_URL))
        except redis.RedisError as error:
            return f"Redis does not answer: {error}"
        return "" if beat and beat > began else "no task has gone through beat and worker"

    def _keep(self, command: children.Command, process: subprocess.Popen[bytes]) -> None:
        self._children[command.name] = Child(command, process, time.monotonic())

    def _mourn(self, child: Child) -> None:
        children.signal_group(child.process, signal.SIGKILL)  # what it started must not outlive it
        pause = child.note_death()
        self._say(f"{child.command.name} {_fate(child.process)}; it is started again in {pause:g} s")

    def _restart(self, child: Child) -> None:
        name = child.command.name
        if name in self._running:
            running = servers.launch(self._running[name].server, self.data, self._running[name].port)
            self._running[name] = running
            child.process = running.process
            occupancy.record(self.data, [*self._running.values()])
        else:
            child.process = children.spawn(child.command, self.data)
        child.since, child.restart_at = time.monotonic(), None
        self._say(f"{name} is started again")


def _fate(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
