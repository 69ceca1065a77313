"""Rounds of several sides in turn, so that what else the machine does hits all alike."""

import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


def in_turn(sides: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """What each side gave in each round; each is said as soon as it is known."""
    found: dict[str, list[T]] = {name: [] for name in sides}
    for nth in range(rounds):
        for name, measure in sides.items():
            found[name].append(measure())
            say(f"  round {nth + 1}, {name}: {found[name][-1]}")
    return found


def say(line: str) -> None:
    """Print it at once, whoever reads."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
