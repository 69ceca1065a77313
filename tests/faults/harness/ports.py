"""Ports that stay free until they are listened on, and while whoever listens is away for a moment.

Those that the kernel gives out for a connection, or to who asks for any, are elsewhere. Runs beside this one
take others: a port is ours for as long as this process lives.
"""

import fcntl
import os
import tempfile
from pathlib import Path
from random import SystemRandom

from config import loopback

_FIRST, _LAST = 10_000, 32_000
_LOCKS = Path(tempfile.gettempdir()) / f"parcelwire-ports-{os.getuid()}"
_random = SystemRandom()


def free() -> int:
    """A port that nobody listens on, and that is given out to nobody else."""
    while True:
        port = _random.randint(_FIRST, _LAST)
        if _is_ours(port) and loopback.port_is_free(loopback.HOST, port):
            return port


def _is_ours(port: int) -> bool:
    """Whether nobody had it; from now on we have, until the process ends."""
    _LOCKS.mkdir(exist_ok=True)
    lock = os.open(_LOCKS / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    return True
