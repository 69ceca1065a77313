"""Programs of the project as processes of their own: `manage.py`, and `manage.py up` until it is ready."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis

from config import children, embedded, heartbeat

ROOT = Path(__file__).resolve().parent.parent
#: Seconds that whatever is started may take; on a busy machine that is long.
PATIENCE = 240.0


def environment(data: Path, **more: str) -> dict[str, str]:
    """What a person's shell would have: no servers configured, `data` as the data folder."""
    unset = {*embedded.SERVERS_OF_OTHERS, "SECRET_KEY", "FIELD_ENCRYPTION_KEYS"}
    return {name: value for name, value in os.environ.items() if name not in unset} | {
        "PARCELWIRE_DATA": str(data),
        **more,
    }


def python(data: Path, *words: str, **more: Any) -> subprocess.Popen[str]:
    """Start a Python program in the project's folder."""
    return subprocess.Popen(
        [*_launched(), sys.executable, *words],
        cwd=ROOT,
        env=environment(data),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **more,
    )


def manage(data: Path, *words: str) -> tuple[int, str]:
    """Run a command of manage.py to its end: its exit status and what it wrote."""
    process = python(data, "manage.py", *words)
    written = process.communicate(timeout=PATIENCE)[0]
    return process.returncode, written


def processes_of(data: Path) -> dict[int, str]:
    """Every living process that works on the data folder, with its command line."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            known = line + (folder / "environ").read_bytes().decode(errors="replace")
            known += str((folder / "cwd").readlink())
        except OSError:
            continue  # it ended meanwhile, or is another user's
        if str(data) in known and line and int(folder.name) != os.getpid():
            found[int(folder.name)] = line
    return found


def gone(data: Path, seconds: float = 60.0) -> bool:
    """Whether all processes of the data folder end within `seconds`."""
    return children.wait_until(lambda: not processes_of(data), seconds)


class Up:
    """A `manage.py up` on `data`, started; `output` is the file it writes to."""

    def __init__(self, data: Path, *options: str, prefix: Sequence[str] = ()) -> None:
        self.data = data
        self.output = data.with_suffix(".output")
        words = [
            *_launched(),
            *prefix,
            sys.executable,
            "manage.py",
            "up",
            "--data",
            str(data),
            "--port",
            "0",
            *options,
        ]
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                words, cwd=ROOT, env=environment(data), stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    @property
    def url(self) -> str:
        """Where it says it is ready."""
        assert self.says("ready ") or self.process.poll() is None, self.text
        return self.text.partition("ready ")[2].split()[0]

    def says(self, words: str, seconds: float = PATIENCE) -> bool:
        """Whether it writes these words within `seconds`, or has already."""
        children.wait_until(lambda: words in self.text or self.process.poll() is not None, seconds)
        return words in self.text

    def pid_of(self, child: str) -> int:
        """The process id of web, a worker, beat, postgres or valkey; 0 between two of its lives."""
        file = self.data / "run" / f"{child}.pid"
        try:
            return int((file.read_text().split() or ["0"])[0])
        except FileNotFoundError:
            return 0

    def kill(self, child: str) -> None:
        os.kill(self.pid_of(child), signal.SIGKILL)

    def url_of(self, server: str) -> str:
        """DATABASE_URL or REDIS_URL as its children have it."""
        found: list[str] = []
        children.wait_until(
            lambda: bool(found.append(self._variable_of("worker", server)) or found[-1]), PATIENCE
        )
        return found[-1]

    def _variable_of(self, child: str, name: str) -> str:
        """What the child's environment says; "" while it is being started."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            variables = Path(f"/proc/{self.pid_of(child)}/environ").read_text().split("\0")
            return dict(line.split("=", 1) for line in variables if line).get(name, "")
        return ""

    def works_again(self, seconds: float = PATIENCE) -> bool:
        """Whether a task goes through beat and worker, counted from now."""
        url = self.url_of("REDIS_URL")
        now = datetime.now(UTC)
        return children.wait_until(lambda: (_last_beat(url) or now) > now, seconds)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)


def record_of(data: Path) -> dict[str, Any]:
    """servers.json."""
    found: dict[str, Any] = json.loads((data / "servers.json").read_text())
    return found


def _launched() -> list[str]:
    """Words before a command that ends it with this process, should the tests be killed."""
    words = [sys.executable, "-I", "-S", str(ROOT / "config" / "launcher.py"), str(os.getpid())]
    return [*words, str(int(signal.SIGTERM)), "-"]


def _last_beat(url: str) -> datetime | None:
    with contextlib.suppress(redis.RedisError):
        return heartbeat.last_beat(url)
    return None
