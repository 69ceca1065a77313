"""Who runs the servers of a data folder, and where they are: the lock and the record in it."""

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TypedDict

from config import loopback, servers
from config.keys import DataError, make_folder

_MOMENT = 0.05


class OccupiedError(Exception):
    """Another process runs the servers of this data folder; the message says which."""


class Place(TypedDict):
    """Where a server is."""

    host: str
    port: int
    pid: int
    started_at: str


def occupy(data: Path, who: str, patience: float = 1.0) -> IO[str]:
    """Take the data folder's lock, until the file is closed.

    Raises OccupiedError after `patience` seconds, and DataError.
    """
    make_folder(data)
    lock = open_lock(data, "lock")
    deadline = time.monotonic() + patience
    while not _taken(lock):
        if time.monotonic() > deadline:
            lock.close()
            raise OccupiedError(f"{data} is in use by {holder(data)}; only one can run its servers")
        time.sleep(_MOMENT)
    lock.truncate(0)
    lock.seek(0)
    lock.write(who)
    lock.flush()
    return lock


def open_lock(data: Path, name: str) -> IO[str]:
    """A lock file of the data folder, open and not locked. Raises DataError."""
    try:
        return (data / name).open("a+")
    except OSError as error:
        raise DataError(f"{data / name} cannot be written to: {error.strerror}") from error


def is_occupied(data: Path) -> bool:
    """Whether somebody holds the data folder's lock at this moment."""
    with open_lock(data, "lock") as lock:
        return not _taken(lock)


def holder(data: Path) -> str:
    """Who holds the data folder's lock, in the words left there."""
    return (data / "lock").read_text() or "another process"


def record(data: Path, running: Sequence[servers.Running]) -> None:
    """Write down where the servers are, for other commands: whole, or not at all."""
    found = {
        one.server.name: Place(
            host=loopback.HOST, port=one.port, pid=one.process.pid, started_at=one.started_at.isoformat()
        )
        for one in running
    }
    handle, draft = tempfile.mkstemp(dir=data, prefix=".servers-")
    with os.fdopen(handle, "w") as file:
        json.dump(found, file)
    Path(draft).replace(data / "servers.json")


def recorded(data: Path) -> dict[str, Place]:
    """What was written down last, true or not: ask the server. Raises DataError where it is damaged."""
    file = data / "servers.json"
    try:
        found = json.loads(file.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read: {error}") from error
    if not isinstance(found, dict) or not all(_is_place(place) for place in found.values()):
        raise DataError(f"{file} does not say where the servers are")
    return found


def forget(data: Path) -> None:
    """Take the record away."""
    (data / "servers.json").unlink(missing_ok=True)


def _is_place(found: object) -> bool:
    return isinstance(found, dict) and isinstance(found.get("port"), int)


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
