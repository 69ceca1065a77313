"""The process that runs the embedded servers for single commands, until the last of them has ended.

The commands share the lock `users`; the keeper waits to have it for itself, stops the servers, and lets go.
A command that was killed counts as ended, since the kernel takes its lock back; a keeper that is killed
takes the servers with it.
"""

import fcntl
import os
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from config import occupancy, servers
from config.keys import DataError

_START_PATIENCE = 90.0
_STOP_PATIENCE = 4.0
#: Seconds in which a keeper that has no user left says so.
_SAY_PATIENCE = 0.3
_READY, _STOPPING = "ready", "stopping"
#: Bytes that a pipe takes, and gives, at once.
_LONGEST_WORD = select.PIPE_BUF


@dataclass(frozen=True, slots=True)
class Keeper:
    """A keeper as seen by the command that forked it."""

    pid: int
    pipe: int

    def leave(self) -> None:
        """Wait until the servers have ended, where the caller was their last user."""
        if _read(self.pipe, _SAY_PATIENCE) == _STOPPING:
            _read(self.pipe, _STOP_PATIENCE + 1)
            os.waitpid(self.pid, 0)
        os.close(self.pipe)


def fork(data: Path, who: str, wanted: Sequence[servers.Server], *, discard: bool = False) -> Keeper:
    """Fork a keeper and wait until its servers answer. Raises ServerError.

    With `discard` it removes the data folder at its end.
    """
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become_keeper(data, who, wanted, theirs, discard=discard)
    os.close(theirs)
    said = _read(ours, _START_PATIENCE)
    if said != _READY:
        os.close(ours)
        if said:
            os.waitpid(pid, 0)
        raise servers.ServerError(said or "the process that starts the servers ended")
    return Keeper(pid, ours)


def _become_keeper(
    data: Path, who: str, wanted: Sequence[servers.Server], pipe: int, *, discard: bool
) -> NoReturn:
    """Keep the servers, and never come back: what stands around the fork is the parent's to run."""
    status = 1
    try:
        _detach(pipe)
        _keep(data, who, wanted, pipe, discard=discard)
        status = 0
    except (occupancy.OccupiedError, servers.ServerError, DataError) as error:
        _say(pipe, str(error))
    finally:
        unforeseen = sys.exception()
        if unforeseen is not None:
            _say(pipe, "".join(traceback.format_exception_only(unforeseen)).strip())
        os._exit(status)


def _keep(data: Path, who: str, wanted: Sequence[servers.Server], pipe: int, *, discard: bool) -> None:
    # `users` is let go last: whoever waits for it must find the folder free.
    with occupancy.open_lock(data, "users") as users, occupancy.occupy(data, who):
        running: list[servers.Running] = []
        try:
            running += (servers.start(server, data) for server in wanted)
            occupancy.record(data, running)
            _say(pipe, _READY)
            fcntl.flock(users, fcntl.LOCK_EX)
            _say(pipe, _STOPPING)
            occupancy.forget(data)
        finally:
            servers.stop(running[::-1], data, time.monotonic() + _STOP_PATIENCE)
        if discard:
            shutil.rmtree(data, ignore_errors=True)


def _detach(pipe: int) -> None:
    """Leave the command's terminal, files and locks; its open locks would otherwise stay held here."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.closerange(3, pipe)
    os.closerange(pipe + 1, os.sysconf("SC_OPEN_MAX"))


def _say(pipe: int, word: str) -> None:
    if _is_ready(pipe, select.POLLOUT, 0):
        try:
            os.write(pipe, word.encode()[:_LONGEST_WORD])
        except BrokenPipeError:
            return  # the command that forked us has ended


def _read(pipe: int, patience: float) -> str:
    """What the keeper says next; empty where it says nothing in time, or ended."""
    if not _is_ready(pipe, select.POLLIN, patience):
        return ""
    return os.read(pipe, _LONGEST_WORD).decode(errors="replace")


def _is_ready(pipe: int, wanted: int, seconds: float) -> bool:
    """select(2) knows no descriptor above 1,023."""
    poll = select.poll()
    poll.register(pipe, wanted)
    return bool(poll.poll(seconds * 1000))
