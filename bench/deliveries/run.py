"""A run of the bench: its stage, its sizes, and rounds of several sides in turn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bench.stage import Stage
from bench.turns import in_turn, say

__all__ = ["ONE_WORKER", "QUICK", "WORKER_EACH", "Run", "Sizes", "say"]

T = TypeVar("T")

#: Both paces of deliveries in one process; and in two, as they are run.
ONE_WORKER = ("deliveries,late",)
WORKER_EACH = ("deliveries", "late")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything. Deliveries are multiples of 500, the most endpoints that a row has."""

    #: Deliveries of a round of each side; and of the plain way.
    deliveries: int = 20_000
    plain: int = 500
    #: Deliveries of a round to slow endpoints: enough that its beginning and its end count for little.
    slow: int = 60_000
    #: Seconds of a round of news at half load; and beside endpoints that hang.
    half_load: float = 10.0
    hang: float = 15.0
    #: Deliveries due after an outage.
    backlog: int = 100_000
    #: Deliveries due when 100 of them are claimed: few, many; and how many claims a round times.
    few_due: int = 10_000
    many_due: int = 1_000_000
    claims: int = 20


QUICK = Sizes(
    deliveries=500,
    plain=20,
    slow=1_000,
    half_load=1.0,
    hang=1.0,
    backlog=1_000,
    few_due=2_000,
    many_due=4_000,
    claims=2,
)


@dataclass(frozen=True, slots=True)
class Run:
    """Where and how rows are measured."""

    stage: Stage
    #: Of the subscriber.
    url: str
    sizes: Sizes
    #: Of each side.
    rounds: int

    def in_turn(self, sides: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
        """What each side gave in each round."""
        return in_turn(sides, self.rounds)
