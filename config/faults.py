"""What is wrong with the settings: gathered while they are read, told in one message at their end."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import indent

from django.core.exceptions import ImproperlyConfigured

logger = logging.getLogger(__name__)


class BadSettings(SystemExit, ImproperlyConfigured):
    """The settings cannot be used; the message names every fault and what to do.

    Not caught, it ends any program as `sys.exit(message)` does: exit code 1, and no traceback.
    """


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one variable, as the end of a sentence that begins with its name."""

    name: str
    problem: str
    #: A command line that makes a right value; "" where there is none.
    remedy: str = ""


#: In the order in which they were found. A program that reads the settings anew finds the same ones.
_found: list[Fault] = []
#: What may be meant, and probably is not: the start goes on.
_doubted: list[Fault] = []


def add(name: str, problem: str, remedy: str = "") -> None:
    """Note what is wrong with a variable. `problem` never quotes a secret."""
    _note(_found, Fault(name, problem, remedy))


def doubt(name: str, problem: str) -> None:
    """Note what looks like a mistake and may be none."""
    _note(_doubted, Fault(name, problem))


def doubts() -> list[str]:
    """A sentence for each value that looks like a mistake."""
    return [f"{one.name} {one.problem}" for one in _doubted]


def log_doubts() -> None:
    """Write them into the log, of a process that shows no checks: the web's, a worker's, beat's."""
    for sentence in doubts():
        logger.warning(sentence)


def is_told(name: str) -> bool:
    """Whether something is wrong with the variable already."""
    return any(one.name == name for one in _found)


def tell(order: Sequence[str]) -> None:
    """Raise BadSettings if anything is wrong; `order` has the names as the page has them."""
    if _found:
        places = {name: place for place, name in enumerate(order)}
        raise BadSettings(message(sorted(_found, key=lambda one: places.get(one.name, len(places)))))


def message(faults: Iterable[Fault]) -> str:
    """All of them, for a person at a terminal."""
    lines = ["Parcelwire does not start: its settings are wrong."]
    for one in faults:
        lines.append(f"  {one.name} {one.problem}")
        lines += [indent(one.remedy, "      ")] if one.remedy else []
    lines.append("docs/settings.md explains every variable.")
    return "\n".join(lines)


def _note(where: list[Fault], fault: Fault) -> None:
    if fault not in where:
        where.append(fault)
