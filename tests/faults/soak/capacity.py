"""How much this machine bears: news are offered at rates that double, until less is told than is offered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.harness.clock import began
from tests.faults.harness.history import read
from tests.faults.harness.plan import Plan
from tests.faults.soak import load, running

#: News a second, one step after the other, and seconds of each.
STEPS, LASTS = (10.0, 20.0, 40.0, 80.0, 160.0), 20.0
#: Seconds at the beginning of a step that still see the step before.
_SETTLING = 6.0
#: Seconds between two scans of a parcel.
_BETWEEN = (1.0, 3.0)
#: A step is borne where so much of what it offers was told: what lacks more than a second of it falls behind.
BORNE = 0.95


@dataclass(frozen=True, slots=True)
class Step:
    """News that happened a second and, in the same time, those of which the quick subscribers were told."""

    offered: float
    told: float

    @property
    def served(self) -> float:
        return min(self.offered, self.told)

    @property
    def is_borne(self) -> bool:
        return self.told >= BORNE * self.offered


@dataclass(frozen=True, slots=True)
class Capacity:
    """News a second of the last step that was borne; `is_least`: that was the last of all."""

    news: float
    is_least: bool
    steps: Sequence[Step]


def measure(folder: Path, template: Path, seed: int, lasts: float = LASTS) -> Capacity:
    """Takes about the sum of the steps, in a stack of its own."""
    plan = plan_of(seed, lasts)
    with running.soaked(plan, folder, template, patience=0.0):  # what is left is of no interest
        return of(plan, began(folder).mono, read(folder / "subscribers.jsonl"), lasts)


def plan_of(seed: int, lasts: float = LASTS) -> Plan:
    """The steps, of parcels with short lives, and after them so long that all of them end theirs."""
    ending = (load.SCANS[1] - 1) * _BETWEEN[1]
    rates = [*((lasts, rate) for rate in STEPS), (ending, STEPS[0])]
    return load.plan_of(seed, rates, faults=False, between=_BETWEEN)


def of(plan: Mapping[str, Any], start: float, notes: Sequence[Mapping[str, Any]], lasts: float) -> Capacity:
    """What subscribers noted, beside what the plan offered."""
    happened = [scan["after"] for parcel in plan["parcels"] for scan in parcel["scans"]]
    quick = {one["n"] for one in plan["endpoints"] if one["behaviour"] == "quick"}
    arrived: dict[str, tuple[float, int]] = {}
    for note in notes:
        if note["what"] == "arrived" and note["endpoint"] in quick:
            arrived.setdefault(note["id"], (note["mono"] - start, len(note["scans"])))
    told = [moment for moment, scans in arrived.values() for _ in range(scans)]
    steps = []
    for nth in range(len(STEPS)):
        begin, end = nth * lasts + min(_SETTLING, lasts / 3), (nth + 1) * lasts
        steps.append(Step(_rate(happened, begin, end), _rate(told, begin, end)))
    # Beyond that, several news of a parcel are found by one poll and told at once: more, and later.
    best = max((step.served for step in steps if step.is_borne), default=min(step.served for step in steps))
    return Capacity(best, steps[-1].is_borne, steps)


def _rate(moments: Sequence[float], begin: float, end: float) -> float:
    return sum(begin <= moment < end for moment in moments) / (end - begin)
