"""When faults were about: what is late then is said, and is not judged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Seconds after a fault in which what it left is made good: a lease that runs out (6 s), a poll that waits
#: for a circuit (up to 4 s), tries that wait for their schedule, a queue that built up.
RECOVERY = 20.0


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when, by time.monotonic(), and what it was."""

    begin: float
    end: float
    name: str


def windows(notes: Iterable[Mapping[str, Any]]) -> list[Window]:
    """Of nemesis.jsonl, each RECOVERY longer than its fault. One that never ended lasts for ever."""
    begun: dict[int, Mapping[str, Any]] = {}
    found = []
    for note in notes:
        if note["what"] == "began":
            begun[note["fault"]] = note
        elif note["what"] == "ended":
            first = begun.pop(note["fault"])
            found.append(Window(first["mono"], note["mono"] + RECOVERY, _name(first)))
    found += [Window(note["mono"], float("inf"), _name(note)) for note in begun.values()]
    return sorted(found, key=lambda window: window.begin)


def at(those: Sequence[Window], moment: float) -> Window | None:
    """The one in which this moment is: the latest that began."""
    inside = [each for each in those if each.begin <= moment <= each.end]
    return inside[-1] if inside else None


def _name(note: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (note["kind"], note["target"], note["how"])))
