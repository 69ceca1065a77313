"""What is drawn of a row: how latencies were distributed, and what grows with a size. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: Shares whose values are kept of a distribution: every hundredth, then finer towards the slowest.
SHARES = (
    *(nth / 100 for nth in range(1, 99)),
    *(nth / 1000 for nth in range(981, 999)),
    *(nth / 10_000 for nth in range(9981, 10_000)),
    1.0,
)


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of x and y, in order of x, and what they count."""

    x: str
    y: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution of milliseconds: for each of SHARES the least value that this share does not exceed."""

    count: int
    values: Sequence[float]

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """Of these latencies, at least one."""
        ordered = sorted(seconds)
        last = len(ordered)
        return cls(last, [ordered[max(0, math.ceil(share * last) - 1)] * 1000 for share in SHARES])

    def at(self, share: float) -> float:
        """Milliseconds that this one of SHARES does not exceed."""
        return self.values[SHARES.index(share)]
