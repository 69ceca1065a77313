"""News at a steady rate while workers run: how long each takes from its commit to the subscriber."""

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from subprocess import Popen

from bench.curves import Spread
from bench.deliveries.figures import quantile
from bench.deliveries.recorded import Arrival, arrivals, check_arrivals
from bench.stage import PATIENCE, Stage, hear, say_to


class News:
    """A process that commits news once it is told to; after its end, when it committed which message."""

    def __init__(self, process: Popen[str]) -> None:
        self._process = process
        self.committed: dict[str, float] = {}

    def begin(self) -> None:
        say_to(self._process, "begin")

    def end(self) -> None:
        for line in self._process.communicate(timeout=PATIENCE)[0].splitlines():
            id_, moment = line.split()
            self.committed[id_] = float(moment)


@contextlib.contextmanager
def news(on: Stage, rate: float) -> Iterator[News]:
    """News to the endpoints there are, at `rate` deliveries a second, from `begin` until this ends."""
    with on.talk("bench_arrive", str(rate)) as process:
        hear(process)
        told = News(process)
        yield told
        told.end()


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds from just before each commit to the arrival of each delivery, and deliveries a second."""

    seconds: list[float]
    rate: float

    @property
    def p50(self) -> float:
        return quantile(self.seconds, 0.5)

    @property
    def p99(self) -> float:
        return quantile(self.seconds, 0.99)

    def __str__(self) -> str:
        return f"p50 {self.p50 * 1000:.1f} ms, p99 {self.p99 * 1000:.1f} ms at {self.rate:,.0f} a second"


def spread(rounds: Sequence[Waits]) -> Spread:
    """How the waits of all rounds together were distributed."""
    return Spread.of([seconds for each in rounds for seconds in each.seconds])


def waits(told: News, heard: list[Arrival], each: int, until: float = float("inf")) -> Waits:
    """Of what was committed until then, which must have arrived at `each` endpoints, there once."""
    moments = {id_: moment for id_, moment in told.committed.items() if moment <= until}
    ours = [arrival for arrival in heard if arrival.message_id in moments]
    check_arrivals(ours, len(moments) * each)
    took = max(moments.values()) - min(moments.values()) or math.inf
    return Waits([one.at - moments[one.message_id] for one in ours], len(ours) / took)


def heard_of(url: str, path: str = "") -> list[Arrival]:
    """What arrived at such paths."""
    return [each for each in arrivals(url) if each.path.startswith(path)]


def told_for(on: Stage, rate: float, seconds: float) -> News:
    """News for so long."""
    with news(on, rate) as told:
        told.begin()
        time.sleep(seconds)  # what happens meanwhile is what is measured
    return told
