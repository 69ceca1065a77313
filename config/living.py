"""Whether a process of this machine lives, and whether it is still the same one.

Imports the standard library only: the probe of workers starts in milliseconds.
"""

import os
from pathlib import Path


def started(pid: int) -> str:
    """When the process started, as the system says it; "" where there is none that lives.

    A system that does not say gives another word: its process numbers alone count then.
    """
    if not Path("/proc/self/stat").exists():
        return "some time" if is_there(pid) else ""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state in {"Z", "X"} else rest[18]


def is_there(pid: int) -> bool:
    """Whether there is a process of this number, a dead one that nobody has asked for included."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return True
