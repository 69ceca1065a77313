"""What a check finds, and what becomes of one that cannot be made."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a finding is meant."""

    #: All is well.
    OK = "ok"
    #: It works, and somebody should look: soon it may not, or what fails is somebody else's.
    WARN = "warn"
    #: It does not work, or what was promised does not hold.
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do, "" where all is well. No secret is in it."""

    level: Level
    found: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at. `look` asks the servers that `needs` names, and raises what they raise."""

    name: str
    look: Callable[[], Iterable[Finding]]
    needs: frozenset[str] = frozenset()


def ok(found: str) -> Finding:
    return Finding(Level.OK, found)


def warn(found: str, todo: str) -> Finding:
    return Finding(Level.WARN, found, todo)


def bad(found: str, todo: str) -> Finding:
    return Finding(Level.BAD, found, todo)
