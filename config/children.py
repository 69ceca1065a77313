"""Child processes: started in sessions of their own, ended with their parent, reaped after a crash."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.living import started

_LAUNCHER = Path(__file__).with_name("launcher.py")
_ROOT = Path(__file__).resolve().parent.parent
_LOG_LIMIT = 10 * 1024 * 1024
_MOMENT = 0.02
#: Seconds before the deadline at which children are hurried.
_HURRY = 0.6


@dataclass(frozen=True, slots=True)
class Command:
    """How a child is started, and which signal ends it in order."""

    name: str
    words: Sequence[str]
    stop_signal: signal.Signals = signal.SIGTERM
    #: What it gets shortly before the deadline, where it can end faster than in order.
    hurry_signal: signal.Signals | None = None
    #: What the kernel sends when the parent ends.
    death_signal: signal.Signals = signal.SIGKILL
    #: A folder the command may own; given, root's name is dropped.
    unprivileged_in: Path | None = None
    environment: Mapping[str, str] | None = None


def spawn(command: Command, data: Path) -> subprocess.Popen[bytes]:
    """Start it with its output in `data`/log/NAME.log and its id in `data`/run/NAME.pid."""
    words = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(int(command.death_signal))]
    words += [str(command.unprivileged_in or "-"), *command.words]
    with log_file(data, command.name).open("ab") as log:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=_ROOT,
            env=None if command.environment is None else dict(command.environment),
            start_new_session=True,
        )
    pid_file = _pid_file(data, command.name)
    pid_file.parent.mkdir(exist_ok=True)
    pid_file.write_text(f"{process.pid} {started(process.pid)}")
    return process


def log_file(data: Path, name: str) -> Path:
    """Where the child's output goes; a long one is put aside first, as NAME.log.1."""
    path = data / "log" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return path


def log_tail(data: Path, name: str, lines: int = 5) -> str:
    """The last lines the child wrote."""
    written = log_file(data, name)
    return "\n".join(written.read_text(errors="replace").splitlines()[-lines:]) if written.exists() else ""


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the child and all it started; nothing happens where they are gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def stop(those: Sequence[tuple[subprocess.Popen[bytes], Command]], data: Path, deadline: float) -> None:
    """Ask the children to end, all at once, and see that they do.

    What is left of their groups at `deadline` (time.monotonic()) is ended by SIGKILL.
    """
    for process, command in those:
        _send(process, command.stop_signal)
    _await(those, deadline - _HURRY)
    for process, command in those:
        if command.hurry_signal:
            _send(process, command.hurry_signal)
    _await(those, deadline)
    for process, command in those:
        signal_group(process, signal.SIGKILL)
        process.wait()
        _pid_file(data, command.name).unlink(missing_ok=True)


def reap(command: Command, data: Path, patience: float = 3.0) -> bool:
    """End the child that a parent killed by SIGKILL left behind. True where there was one.

    The record says when the process started: a stranger that got the same id since is left alone.
    """
    record = _pid_file(data, command.name)
    if not record.exists():
        return False
    number, _, moment = record.read_text().partition(" ")
    record.unlink()
    if not number.isdigit() or not moment or started(int(number)) != moment:
        return False
    pid = int(number)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, command.stop_signal)
    wait_until(lambda: started(pid) != moment, patience)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    wait_until(lambda: started(pid) != moment, patience)
    return True


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_MOMENT)
    return True


def _send(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(number)


def _await(those: Sequence[tuple[subprocess.Popen[bytes], Command]], deadline: float) -> None:
    left = max(0.0, deadline - time.monotonic())
    wait_until(lambda: all(process.poll() is not None for process, _ in those), left)


def _pid_file(data: Path, name: str) -> Path:
    return data / "run" / f"{name}.pid"
