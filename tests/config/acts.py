"""Tasks that do to a worker what happens to workers: `celery -A tests.config.acts worker`."""

import os
import signal
from pathlib import Path

from config.celery import app
from tests.waiting import eventually


@app.task(name="tests.note")
def note(file: str, word: str) -> None:
    with Path(file).open("a") as notes:
        notes.write(f"{word}\n")


@app.task(name="tests.die")
def die(file: str) -> None:
    """As a fault of a library would have it, or the system that is short of memory."""
    note(file, "died")
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="tests.last")
def last(file: str, until: str) -> None:
    """Work until the file `until` is there."""
    note(file, f"began in {os.getpid()}")
    eventually(Path(until).exists, 180)
    note(file, f"ended in {os.getpid()}")
