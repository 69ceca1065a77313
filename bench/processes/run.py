"""A run of the bench: its stage, its sizes, and tables of what each number of processes did."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.curves import Curve
from bench.deliveries.figures import Side, Table
from bench.processes.accounts import POSTGRES, Spent
from bench.stage import Stage
from bench.turns import in_turn


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything. Deliveries are multiples of 50 endpoints, polls of 50 accounts."""

    deliveries: int = 40_000
    polls: int = 5_000
    #: Deliveries, and recorded answers, of one client that does nothing else.
    straight_deliveries: int = 20_000
    straight_polls: int = 2_000
    #: How many worker processes, and how many such clients, in turn.
    workers: Sequence[int] = (1, 2, 4)
    clients: Sequence[int] = (1, 2, 4)
    #: Trackers whose results are read, and seconds of a round of that.
    trackers: int = 1_000
    reads: float = 4.0


QUICK = Sizes(
    deliveries=1_000,
    polls=100,
    straight_deliveries=1_000,
    straight_polls=100,
    workers=(2,),
    clients=(1,),
    trackers=20,
    reads=0.5,
)


@dataclass(frozen=True, slots=True)
class Run:
    """Where and how rows are measured."""

    stage: Stage
    #: URLs.
    carrier: str
    subscriber: str
    sizes: Sizes
    #: Of each side.
    rounds: int


@dataclass(frozen=True, slots=True)
class Paced:
    """A rate, and what its work took."""

    rate: float
    spent: Spent
    #: Bytes on disk, with indexes, of each piece, by table; where that was asked for.
    disk: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        each = ", ".join(f"{self.spent.each(name):.0f} us of {name}" for name in self.spent.used)
        return f"{self.rate:,.0f} a second; {each}; {self.spent.processors:.2f} processors busy"


def by_number(run: Run, numbers: Sequence[int], of: str, measure: Callable[[int], Paced], what: str) -> Table:
    """A row: so many of something in turn, the rate of each, and what one piece of `what` took."""
    found = in_turn({f"{n} {of}": _measuring(measure, n) for n in numbers}, run.rounds)
    return Table(sides_of(found), [], curves={what: curve(found, numbers, of)})


def sides_of(found: Mapping[str, Sequence[Paced]]) -> dict[str, Side]:
    """The rate of each side, and its accounts."""
    sides: dict[str, Side] = {}
    for name, rounds in found.items():
        sides[name] = Side("a second", [each.rate for each in rounds])
        for program in rounds[0].spent.used:
            sides[f"{name}, {program}"] = Side("us each", [each.spent.each(program) for each in rounds])
        sides[f"{name}, busy"] = Side("processors", [each.spent.processors for each in rounds])
        sides[f"{name}, PostgreSQL busy"] = Side(
            "processors", [each.spent.used[POSTGRES] / each.spent.seconds for each in rounds]
        )
        sides[f"{name}, WAL"] = Side("bytes each", [each.spent.wal / each.spent.count for each in rounds])
        sides[f"{name}, transactions"] = Side(
            "for 1,000", [1000 * each.spent.transactions / each.spent.count for each in rounds]
        )
        for table in rounds[0].disk:
            sides[f"{name}, disk of {table}"] = Side("bytes each", [each.disk[table] for each in rounds])
    return sides


def curve(found: Mapping[str, Sequence[Paced]], numbers: Sequence[int], of: str) -> Curve:
    """Rates by number."""
    medians = [Side("", [each.rate for each in rounds]).median for rounds in found.values()]
    return Curve(of, "a second", list(zip(map(float, numbers), medians, strict=True)))


def _measuring(measure: Callable[[int], Paced], number: int) -> Callable[[], Paced]:
    return lambda: measure(number)
