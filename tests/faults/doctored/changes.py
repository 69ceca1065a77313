"""A change of a history in which all holds, and the invariants that it must be said to break."""

from collections.abc import Callable

from tests.faults.harness.judging.evidence import Row
from tests.faults.made_up import MadeUp

Doctor = Callable[[MadeUp], object]

#: Every change that `breaks` names, with its names.
DOCTORED: list[tuple[frozenset[str], Doctor]] = []


def breaks(*names: str) -> Callable[[Doctor], Doctor]:
    """This change breaks these invariants, and no other."""

    def noted(doctor: Doctor) -> Doctor:
        DOCTORED.append((frozenset(names), doctor))
        return doctor

    return noted


def without(rows: list[Row], **named: object) -> None:
    rows[:] = [row for row in rows if any(row[name] != value for name, value in named.items())]
