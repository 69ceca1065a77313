"""What a row says: a figure, its goal, and whether it holds. Pure."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from bench.curves import Curve, Spread


class Wish(Enum):
    """On which side of its limit a figure should be."""

    AT_LEAST = "at least"
    AT_MOST = "at most"
    #: It is said beside others, and has no goal.
    NONE = "no goal"


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure of a row, out of the medians of this run, and its goal."""

    words: str
    value: float
    wish: Wish
    limit: float
    #: The sides of the row that were compared; without a reference the figure is one side's own.
    this: str = ""
    reference: str = ""

    @property
    def holds(self) -> bool:
        """What has no goal holds."""
        if self.wish is Wish.NONE:
            return True
        return self.value >= self.limit if self.wish is Wish.AT_LEAST else self.value <= self.limit

    def __str__(self) -> str:
        if self.wish is Wish.NONE:
            return f"{self.words}: {self.value:,.2f}"
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
        return f"{shown(self.median):>10} {self.unit}   rounds {self.shown_rounds}"

    @property
    def shown_rounds(self) -> str:
        """All of them, as finely as the median."""
        return " ".join(shown(each, like=self.median) for each in self.rounds)


@dataclass(frozen=True, slots=True)
class Table:
    """A row as measured: its sides by name, and what they say."""

    sides: Mapping[str, Side]
    findings: Sequence[Finding]
    #: For the plots: how latencies were distributed, by side; and what grows with a size, by what it is of.
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    #: What RESULTS.md shows instead of the sides: lines of cells, the head first.
    grid: Sequence[Sequence[str]] = ()
    #: And what it says above that.
    caption: str = ""


def ratio(
    sides: Mapping[str, Side], this: str, reference: str, wish: Wish, limit: float = 0.0, words: str = ""
) -> Finding:
    """The medians of two sides of a row, divided."""
    value = sides[this].median / sides[reference].median
    return Finding(words or f"{this} / {reference}", value, wish, limit, this, reference)


def shown(value: float, like: float | None = None) -> str:
    """With so many places that three figures of it count, or of another value like it."""
    size = abs(value if like is None else like)
    return f"{value:,.{max(0, 2 - math.floor(math.log10(size or 1.0)))}f}"


def quantile(values: Sequence[float], share: float) -> float:
    """The least of the values that this share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
