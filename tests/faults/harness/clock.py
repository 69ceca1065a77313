"""When a run began: one moment, which all its witnesses read from a file of its folder."""

import json
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Began(NamedTuple):
    """By time.monotonic(), which all processes share, and in seconds since 1970."""

    mono: float
    at: float


def begin(folder: Path) -> Began:
    """The run begins now."""
    moment = Began(time.monotonic(), time.time())
    draft = folder / "began.draft"
    draft.write_text(json.dumps(moment._asdict()))
    draft.replace(folder / "began.json")
    return moment


def has_begun(folder: Path) -> bool:
    return (folder / "began.json").exists()


@cache
def began(folder: Path) -> Began:
    """Raises FileNotFoundError before the run has begun."""
    return Began(**json.loads((folder / "began.json").read_text()))


def now(folder: Path) -> float:
    """Seconds since the run began; -1 before."""
    return time.monotonic() - began(folder).mono if has_begun(folder) else -1.0
