"""What Docker's engine does with the compose file, done without it: services as processes of this machine.

A service gets its command, its variables, its secrets and a data folder of its own, and no more. It runs
as another user, in the tree of the image, which it cannot write to. What containers have for themselves is
translated: names and ports of the network, and paths. The images of PostgreSQL and Valkey are the servers
of the wheels, started as those images start theirs.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config import children, launcher, loopback, servers
from tests.deploy import composing
from tests.deploy.image import Image, said
from tests.processes import PATIENCE

_VALKEY_CLI = """#!{python}
import os, redis
server = redis.Redis(port=int(os.environ["VALKEY_PORT"]), password=os.environ["REDISCLI_AUTH"])
print("PONG" if server.ping() else "")
"""


@dataclass
class Engine:
    """Runs the services of one compose file; `folder` is a checkout as `composing.checkout` makes it."""

    folder: Path
    image: Image
    state: Path
    ports: dict[str, int] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)
    running: dict[str, tuple[subprocess.Popen[bytes], children.Command]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = ["PORT", "PORT_SECOND", "METRICS_EXPORT_PORT", "postgres", "valkey"]
        self.ports = {name: loopback.free_port() for name in names}
        published = {name: str(port) for name, port in self.ports.items() if name.isupper()}
        self.spec = composing.parsed(self.folder, **published)
        self.state.mkdir()
        self._bring_tools()

    @property
    def services(self) -> dict[str, Any]:
        found: dict[str, Any] = self.spec["services"]
        return found

    def up(self, *names: str) -> None:
        """`docker compose up --detach`: what a service depends on first, as far as it wants it."""
        for name in names or tuple(self.services):
            for needed, how in self.services[name].get("depends_on", {}).items():
                self.up(needed)
                if how["condition"] == "service_completed_successfully":
                    assert self.result_of(needed) == 0, self.log_of(needed)
                else:
                    self.await_health(needed)
            if name not in self.running:
                self._start(name)

    def result_of(self, name: str) -> int:
        """The exit status of a job, once it has ended."""
        return self.running[name][0].wait(PATIENCE)

    def stop(self, *names: str) -> None:
        """`docker compose stop`: SIGTERM to the first process of each. Fails where one outlives its grace."""
        told = {name: self.running.pop(name) for name in names}
        for process, command in told.values():
            process.send_signal(command.stop_signal)
        for name, (process, _) in told.items():
            grace = _seconds(self.services[name].get("stop_grace_period", "10s"))
            ended = children.wait_until(lambda process=process: process.poll() is not None, grace)
            children.signal_group(process, signal.SIGKILL)
            process.wait()
            assert ended, f"{name} did not end within {grace} s: {self.log_of(name)}"

    def close(self) -> None:
        """End all of them, the servers last."""
        for last in (False, True):
            names = [name for name in self.running if (name in {"postgres", "valkey"}) is last]
            children.stop([self.running[name] for name in names], self.state, time.monotonic() + 30)

    def await_health(self, name: str) -> None:
        """Return once its health check passes. Raises AssertionError, with its log, where it does not."""
        process, _ = self.running[name]
        children.wait_until(lambda: process.poll() is not None or self.is_healthy(name), PATIENCE)
        assert self.is_healthy(name), f"{name}: {self.check(name)}\n{self.log_of(name)}"

    def is_healthy(self, name: str) -> bool:
        """Whether the service's health check passes now; the image's, where it has none of its own."""
        return not self.check(name).returncode

    def check(self, name: str) -> subprocess.CompletedProcess[str]:
        words = self.services[name].get("healthcheck", {}).get("test") or _check_of_the_image()
        words = ["sh", "-c", words[1]] if words[0] == "CMD-SHELL" else words[1:]
        return self.execute(name, *words)

    def has_check(self, name: str) -> bool:
        return not self.services[name].get("healthcheck", {}).get("disable", False)

    def execute(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """One more command in the service's place."""
        done = self.execute_raw(name, *words)
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def execute_raw(self, name: str, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """`docker compose exec`, with `given` on its standard input."""
        line = [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), str(int(signal.SIGKILL))]
        line += [str(self._data_of(name)), *self._placed(name, words)]
        variables = self.variables_of(name)
        return subprocess.run(
            line, check=False, env=variables, input=given, capture_output=True, timeout=PATIENCE
        )

    def log_of(self, name: str) -> str:
        return children.log_tail(self.state, name, 50)

    def variables_of(self, name: str) -> dict[str, str]:
        """Every variable that the service's processes have."""
        service = self.services[name]
        given = {
            key: self.translated(name, str(value)) for key, value in service.get("environment", {}).items()
        }
        if "build" not in service:
            path = f"{self.state / 'bin'}:/usr/bin:/bin"
            more = {"PGPORT": str(self.ports["postgres"]), "VALKEY_PORT": str(self.ports["valkey"])}
            return {"PATH": path, **more, **given}
        own = self.image.environment() | {"PARCELWIRE_DATA": str(self._data_of(name))}
        given |= {"METRICS_HOST": loopback.HOST, "METRICS_PORT": str(self.figures_of(name))}
        return own | {"HOME": str(self._data_of(name)), "HOSTNAME": name} | given

    def figures_of(self, name: str) -> int:
        """The port on which the service has figures of its own; containers all have the same."""
        return self.ports.setdefault(f"figures of {name}", loopback.free_port())

    def translated(self, name: str, text: str) -> str:
        """A word that is true inside of a container, made true outside."""
        service = self.services[name]
        for secret in service.get("secrets", []):
            text = text.replace(secret["target"], self.spec["secrets"][secret["source"]]["file"])
        for server, port in (("postgres", 5432), ("valkey", 6379)):
            text = text.replace(f"@{server}:{port}", f"@{loopback.HOST}:{self.ports[server]}")
            text = text.replace(f"//{server}:{port}", f"//{loopback.HOST}:{self.ports[server]}")
        for port in service.get("ports", []):
            text = re.sub(rf"\b{port['target']}\b", port["published"], text).replace(
                "0.0.0.0", port["host_ip"]
            )
        text = text.replace("valkey-server -", f"valkey-server - --port {self.ports['valkey']}")
        return re.sub(r"(?<![\w/.])/data(?=[/\s]|$)", str(self._data_of(name)), text)

    def _start(self, name: str) -> None:
        if name == "postgres":
            self._initialise(name)
        command = children.Command(
            name,
            self._placed(name, self.services[name].get("command") or _words_of_the_image()),
            stop_signal=signal.SIGINT if name == "postgres" else signal.SIGTERM,  # as its image says
            death_signal=signal.SIGINT if name == "postgres" else signal.SIGKILL,
            unprivileged_in=self._data_of(name),
            environment=self.variables_of(name),
        )
        self.running[name] = (children.spawn(command, self.state), command)

    def _placed(self, name: str, words: Sequence[str]) -> list[str]:
        """The words, run in the folder that the image works in."""
        place = self.image.app if "build" in self.services[name] else self._data_of(name)
        if name == "postgres" and words[0] == "postgres":
            words = [*words, "-D", str(self._data_of(name) / "cluster")]
        line = [self.translated(name, word) for word in words]
        return ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(place), *line]

    def _data_of(self, name: str) -> Path:
        """What /data is: static files of the image, and `run`, which the compose file mounts."""
        folder = self.state / name
        if not folder.exists():
            (folder / "run").mkdir(parents=True)
            if "build" in self.services[name]:
                (folder / "static").symlink_to(self.image.static)
                folder.chmod(0o555)
        return folder

    def _initialise(self, name: str) -> None:
        """As PostgreSQL's image does: a cluster, its superuser with a password, a database."""
        given, data = self.variables_of(name), self._data_of(name)
        password = f"--pwfile={given['POSTGRES_PASSWORD_FILE']}"
        words = ["initdb", "-D", str(data / "cluster"), "-U", given["POSTGRES_USER"], password, "--no-sync"]
        words += ["--auth=scram-sha-256", "--auth-local=trust", "--encoding=UTF8", "--locale=C"]
        made = self.execute(name, *words)
        assert not made.returncode, made.stderr
        line = f'create database "{given["POSTGRES_DB"]}"'
        only = [str(self.state / "bin" / "postgres"), "--single", "-D", str(data / "cluster"), "postgres"]
        made = self.execute(name, "sh", "-c", 'echo "$0" | "$@"', line, *only)
        assert not made.returncode, made.stderr

    def _bring_tools(self) -> None:
        tools = self.state / "bin"
        tools.mkdir()
        for program in servers.postgres_binary("postgres").parent.iterdir():
            (tools / program.name).symlink_to(program)
        (tools / "valkey-server").symlink_to(servers.valkey_binary())
        (tools / "valkey-cli").write_text(_VALKEY_CLI.format(python=sys.executable))
        (tools / "valkey-cli").chmod(0o755)


def _words_of_the_image() -> list[str]:
    (words,) = said("CMD")
    return _list(words)


def _check_of_the_image() -> list[str]:
    (words,) = said("HEALTHCHECK")
    return ["CMD", *_list(words.partition("CMD ")[2])]


def _list(words: str) -> list[str]:
    """The form of an instruction that is written as a list, which is JSON."""
    found: list[str] = json.loads(words)
    return found


def _seconds(written: str) -> float:
    """`40s`, `1m0s`."""
    parts: Mapping[str, str] = {unit: number for number, unit in re.findall(r"(\d+)([hms])", written)}
    return int(parts.get("h", 0)) * 3600 + int(parts.get("m", 0)) * 60 + int(parts.get("s", 0))
