"""A run of the bench: its stage, its sizes, and rounds of several sides in turn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bench.stage import Stage
from bench.turns import in_turn

T = TypeVar("T")

#: One worker process for polls; one for deliveries.
POLLS, DELIVERIES = "parcelwire", "deliveries,late"
#: New scans of one poll.
SCANS = 5


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything. Polls are multiples of 10, which is how many accounts a row has."""

    #: Polls of a round that tell nothing new, that tell five scans each, and of the plain way.
    unchanged: int = 10_000
    changed: int = 5_000
    plain: int = 400
    #: Polls of 50 accounts, ten of which are ill.
    sick: int = 4_000
    #: Batches of 100 answers that a round records; and answers that it records one by one.
    batches: int = 20
    alone: int = 200
    #: Trackers of the two sides of claims, and claims of a round.
    few_trackers: int = 10_000
    many_trackers: int = 1_000_000
    claims: int = 100
    #: Seconds of scans that are timed from the carrier to the subscriber's door.
    door: float = 20.0


QUICK = Sizes(
    unchanged=200,
    changed=100,
    plain=20,
    sick=250,
    batches=1,
    alone=5,
    few_trackers=2_500,
    many_trackers=5_000,
    claims=5,
    door=2.0,
)


@dataclass(frozen=True, slots=True)
class Run:
    """Where and how rows are measured."""

    stage: Stage
    #: Of the carrier, and of the subscriber.
    carrier: str
    subscriber: str
    sizes: Sizes
    #: Of each side.
    rounds: int

    def in_turn(self, sides: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
        """What each side gave in each round."""
        return in_turn(sides, self.rounds)
