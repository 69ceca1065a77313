"""Fault points: places of the product at which a process of a run kills itself, once it is armed for that.

The product knows nothing of them: functions are wrapped where they are looked up, as the process starts. A
point is armed for one program by a file, POINT@PROGRAM; the first process of that program that comes by takes
the file away, leaves its id in POINT@PROGRAM.struck, and dies by SIGKILL.
"""

import functools
import os
import signal
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

#: Where each point is: as the module and name of a function, before which it lies.
POINTS = {
    # Events are appended, the tracker is folded and subscribers are owed; nothing is committed.
    "after_append": (("trackers.recording", "settle"),),
    # A tracker is made and its first event appended; nothing is committed.
    "in_creation": (("trackers.creating", "announce"),),
    # All is committed, and nobody knows yet.
    "before_nudge": (("webhooks.tasks", "nudge"), ("trackers.tasks", "nudge")),
    # A subscriber or a carrier has answered, and nothing of that is in the database.
    "before_save": (("webhooks.pump", "settling"), ("trackers.polling", "heed_all")),
}

#: Seconds that a process may take to write its id.
_MOMENT = 2.0


def install(folder: Path, program: str) -> None:
    """Wrap all of them in this process. The folder need not be there yet."""
    for point, places in POINTS.items():
        for module, name in places:
            home = import_module(module)
            setattr(home, name, _dying(folder / f"{point}@{program}", getattr(home, name)))


def arm(folder: Path, point: str, program: str) -> None:
    """Have the next process of this program that comes by die there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{point}@{program}.struck").unlink(missing_ok=True)
    (folder / f"{point}@{program}").touch()


def disarm(folder: Path, point: str, program: str) -> int:
    """The process id of who died there since it was armed; 0: nobody did, nor will."""
    try:
        (folder / f"{point}@{program}").unlink()
    except FileNotFoundError:
        # Taken by somebody, who leaves its id and dies.
        end = time.monotonic() + _MOMENT
        while not struck(folder, point, program) and time.monotonic() < end:
            time.sleep(0.01)
    return struck(folder, point, program)


def struck(folder: Path, point: str, program: str) -> int:
    """The process id of who died there since it was armed; 0: nobody yet."""
    try:
        return int((folder / f"{point}@{program}.struck").read_text() or 0)
    except FileNotFoundError:
        return 0


def _dying(armed: Path, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*args: Any, **named: Any) -> Any:
        _die_if(armed)
        return function(*args, **named)

    return wrapped


def _die_if(armed: Path) -> None:
    try:
        armed.unlink()
    except OSError:
        return  # not armed, or another process was faster
    armed.with_name(f"{armed.name}.struck").write_text(str(os.getpid()))
    os.kill(os.getpid(), signal.SIGKILL)
