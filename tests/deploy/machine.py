"""A machine without containers, for a terminal of the tests: `systemctl`, and what else the page wants.

A unit's processes get what systemd would give them: its variables, the lines of its files of variables, and
a folder with its own credentials and no others. They run as another user in the tree of the image, whose
packages stand for those that pip would install. What the kernel would forbid them is systemd-analyze's to
judge.
"""

import re
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from config import children, loopback
from tests.deploy import units
from tests.deploy.engine import Engine
from tests.deploy.image import Image
from tests.deploy.terminal import Program, Said

_QUIET: Said = (0, b"", b"")
_GRACE = 40.0


class Machine:
    """Below `root`: /opt, /etc and /var/lib. PostgreSQL and Valkey are those of `servers`."""

    def __init__(self, root: Path, image: Image, servers: Engine) -> None:
        self.root, self._image, self._servers = root, image, servers
        self.running: dict[str, tuple[subprocess.Popen[bytes], children.Command]] = {}
        self._figures: dict[str, int] = {}
        self.state = root / "var" / "lib" / "parcelwire"
        for folder in ("etc/systemd/system", "opt/parcelwire", "var/lib/parcelwire"):
            (root / folder).mkdir(parents=True)

    def programs(self) -> dict[str, Program]:
        """By name, what a shell finds."""
        return {
            "systemctl": self.systemctl,
            "psql": self._psql,
            "python3": self._python3,
            "useradd": lambda *_: _QUIET,
        }

    def systemctl(self, words: Sequence[str], given: bytes = b"") -> Said:
        match [*words]:
            case ["daemon-reload"]:
                assert self._unit("parcelwire-beat").exists()
            case ["enable", "--now", "parcelwire.target"]:
                for line in units.read(self._unit("parcelwire.target"))["Unit"]["Wants"]:
                    for name in line.split():
                        self._start(name.removesuffix(".service"))
            case ["start", name]:
                self._start(name)
            case ["restart", name]:
                self._stop(name)
                self._start(name)
            case _:
                raise ValueError(words)
        return _QUIET

    def check(self, name: str, *words: str) -> int:
        """Exit status of one more Python program in the unit's place."""
        command = [str(self._image.programs / "python"), *words]
        return self._spawned(name, f"check-{name}", command).wait(120)

    def close(self) -> None:
        children.stop([*self.running.values()], self.root, time.monotonic() + _GRACE)

    def _start(self, name: str) -> None:
        service = units.read(self._unit(name))["Service"]
        lines = [self._here(name, line) for line in service["ExecStart"]]
        if service["Type"] == ["oneshot"]:
            for line in lines:
                assert not self._spawned(name, name, shlex.split(line)).wait(240), self._log_of(name)
            return
        (line,) = lines
        command = self._command(name, name, shlex.split(line))
        self.running[name] = (children.spawn(command, self.root), command)
        for after in service.get("ExecStartPost", []):
            subprocess.run(shlex.split(self._here(name, after)), check=True, timeout=240)

    def _stop(self, name: str) -> None:
        process, _ = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        ended = children.wait_until(lambda: process.poll() is not None, _GRACE)
        children.signal_group(process, signal.SIGKILL)
        process.wait()
        assert ended, f"{name} did not end within {_GRACE} s: {self._log_of(name)}"

    def _spawned(self, name: str, called: str, words: Sequence[str]) -> subprocess.Popen[bytes]:
        return children.spawn(self._command(name, called, words), self.root)

    def _command(self, name: str, called: str, words: Sequence[str]) -> children.Command:
        line = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(self._image.app), *words]
        variables = self._variables(name)
        return children.Command(called, line, unprivileged_in=self.state, environment=variables)

    def _variables(self, name: str) -> dict[str, str]:
        unit = self._unit(name)
        given = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        given |= units.variables(unit)
        for written in units.read(unit)["Service"]["EnvironmentFile"]:
            file = Path(self._here(name, written.removeprefix("-")))
            if file.exists() or not written.startswith("-"):
                lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
                given |= dict(line.split("=", 1) for line in lines if "=" in line)
        given |= {"METRICS_PORT": str(self.figures_of(name))} if "METRICS_PORT" in given else {}
        return {key: self._here(name, value) for key, value in given.items()}

    def figures_of(self, name: str) -> int:
        """The port on which the unit has figures of its own."""
        return self._figures.setdefault(name, loopback.free_port())

    def _here(self, name: str, text: str) -> str:
        """A line of a unit, with specifiers, paths and ports put in."""
        text = (
            text.replace("%i", name.partition("@")[2])
            .replace("%N", name)
            .replace("%d", str(self._credentials(name)))
        )
        text = text.replace("/opt/parcelwire/.venv/bin", str(self._image.programs))
        text = re.sub(r"(?<!\w)/(etc|var/lib)/parcelwire", rf"{self.root}/\1/parcelwire", text)
        ports = self._servers.ports
        ours = {"8000": "PORT", "8001": "PORT_SECOND", "9100": "METRICS_EXPORT_PORT"}
        for port, key in {**ours, "5432": "postgres", "6379": "valkey"}.items():
            text = re.sub(rf"(?<=[: ]){port}\b", str(ports[key]), text)
        return text

    def _credentials(self, name: str) -> Path:
        folder = self.root / "credentials" / name
        if not folder.exists():
            folder.mkdir(parents=True)
            for credential, file in units.credentials(self._unit(name)).items():
                (folder / credential).write_bytes((self.root / file.removeprefix("/")).read_bytes())
                (folder / credential).chmod(0o400)
        return folder

    def _unit(self, name: str) -> Path:
        stem = re.sub("@.*", "@", name)
        file = stem if stem.endswith(".target") else f"{stem}.service"
        return self.root / "etc" / "systemd" / "system" / file

    def _log_of(self, name: str) -> str:
        return children.log_tail(self.root, name, 50)

    def _psql(self, words: Sequence[str], given: bytes) -> Said:
        done = self._servers.execute_raw("postgres", "psql", "-U", "postgres", *words, given=given)
        return done.returncode, done.stdout, done.stderr

    def _python3(self, words: Sequence[str], given: bytes) -> Said:
        assert words[:2] == ["-m", "venv"]
        Path(words[2]).symlink_to(self._image.folder / "venv")
        pip = self._image.programs / "pip"
        pip.write_text("#!/bin/sh\n")
        pip.chmod(0o755)
        return _QUIET
