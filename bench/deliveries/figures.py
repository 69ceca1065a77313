"""What a row says: a figure, its goal, and whether it holds. Pure."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum


class Wish(Enum):
    """On which side of its limit a figure should be."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure of a row, out of the medians of this run, and its goal."""

    words: str
    value: float
    wish: Wish
    limit: float

    @property
    def holds(self) -> bool:
        return self.value >= self.limit if self.wish is Wish.AT_LEAST else self.value <= self.limit

    def __str__(self) -> str:
        word = "holds" if self.holds else "MISSES"
        return f"{self.words}: {self.value:,.2f} ({self.wish.value} {self.limit:g}: {word})"


@dataclass(frozen=True, slots=True)
class Side:
    """What was measured of one side in each round."""

    unit: str
    rounds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def __str__(self) -> str:
        rounds = " ".join(f"{each:,.{self._digits}f}" for each in self.rounds)
        return f"{self.median:10,.{self._digits}f} {self.unit}   rounds {rounds}"

    @property
    def _digits(self) -> int:
        """So that three figures count."""
        return max(0, 2 - math.floor(math.log10(abs(self.median) or 1.0)))


@dataclass(frozen=True, slots=True)
class Table:
    """A row as measured: its sides by name, and what they say."""

    sides: Mapping[str, Side]
    findings: Sequence[Finding]


def quantile(values: Sequence[float], share: float) -> float:
    """The least of the values that this share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
