"""What came of polls: the carrier's own record, and the rows, which must say the same."""

from dataclasses import dataclass
from typing import LiteralString

from bench.deliveries.recorded import wait_until
from bench.stage import Stage, fetch_text

_NONE_DUE = """
SELECT NOT EXISTS (
    SELECT FROM trackers_watch WHERE next_poll_at <= now() OR claim_id IS NOT NULL
)
"""
_OUTCOMES = "SELECT count(*) FILTER (WHERE last_outcome = %(outcome)s) FROM trackers_watch"
_SCANS = "SELECT count(*) FROM events_event WHERE type = 'tracking.scanned'"
_PLAINLY = "SELECT count(*) FILTER (WHERE polls >= %(polls)s) = %(count)s FROM bench_plainparcel"
_PLAIN_SCANS = "SELECT count(*) FROM bench_plainscan"


@dataclass(frozen=True, slots=True)
class Polled:
    """Polls a second, from the first question until every row says what came of it."""

    rate: float
    count: int

    def __str__(self) -> str:
        return f"{self.rate:,.0f} a second"


def polled(on: Stage, carrier: str, count: int, *, outcome: str, scans: int) -> Polled:
    """Wait until `count` polls, which workers have begun, are settled, all with this outcome.

    The log must then hold so many scans in all.
    """
    first = first_question(carrier, count)
    ended = wait_until(on, _NONE_DUE)
    check_questions(carrier, count)
    check(on, count, _OUTCOMES, outcome=outcome)
    check(on, scans, _SCANS)
    return Polled(count / (ended - first), count)


def polled_plainly(on: Stage, carrier: str, count: int, *, polls: int, scans: int) -> Polled:
    """The same of the plain way, whose parcels were then polled so often."""
    first = first_question(carrier, count)
    ended = wait_until(on, _PLAINLY, polls=polls, count=count)
    check_questions(carrier, count)
    check(on, scans, _PLAIN_SCANS)
    return Polled(count / (ended - first), count)


def first_question(carrier: str, count: int) -> float:
    """The moment of the first question, once there were so many."""
    fetch_text(f"{carrier}/asked/{count}")
    return min(_questions(carrier)[1])


def check_questions(carrier: str, count: int) -> None:
    """Raise unless so many numbers were asked about, each once."""
    numbers, _ = _questions(carrier)
    if not len(numbers) == len(set(numbers)) == count:
        raise RuntimeError(f"{len(numbers)} questions, {len(set(numbers))} numbers, instead of {count}")


def check(on: Stage, count: int, question: LiteralString, **values: object) -> None:
    """Raise unless the database answers this with `count`."""
    with on.database() as database:
        found = database.execute(question, values).fetchone()
    if found != (count,):
        raise RuntimeError(f"{found} instead of {count}: {question} {values}")


def _questions(carrier: str) -> tuple[list[str], list[float]]:
    lines = [line.split() for line in fetch_text(f"{carrier}/questions").splitlines()]
    return [number for number, _ in lines], [float(moment) for _, moment in lines]
