"""Rows `latency` and `tasks`: a drain by one worker process, then news at half the rate that it had."""

from dataclasses import dataclass
from functools import cache

from bench.bodies import EACH
from bench.deliveries.arriving import Waits, spread, told_for, waits
from bench.deliveries.draining import drain
from bench.deliveries.figures import Finding, Side, Table, Wish, ratio
from bench.deliveries.recorded import arrivals, check_records, wait_until_delivered
from bench.deliveries.run import ONE_WORKER, Run
from bench.stage import fetch_text


@dataclass(frozen=True, slots=True)
class _Round:
    """The rate of the drain, the waits at half of it, and the tasks begun for 1,000 deliveries."""

    rate: float
    waits: Waits
    tasks_of_drain: float
    tasks_of_news: float

    def __str__(self) -> str:
        tasks = f"{self.tasks_of_drain:.2f} and {self.tasks_of_news:.2f} tasks for 1,000"
        return f"drained at {self.rate:,.0f} a second; {self.waits}; {tasks}"


def latency(run: Run) -> Table:
    """From commit to the first byte at the subscriber, who notes it when it has read the request."""
    found = [each.waits for each in _rounds(run)]
    sides = {
        "p50": Side("ms", [each.p50 * 1000 for each in found]),
        "p99": Side("ms", [each.p99 * 1000 for each in found]),
        "load asked for": Side("a second", [each.rate / 2 for each in _rounds(run)]),
        "load": Side("a second", [each.rate for each in found]),
    }
    limits = {"p50": 50, "p99": 250}
    findings = [
        Finding(f"{name}, ms", sides[name].median, Wish.AT_MOST, limit) for name, limit in limits.items()
    ]
    load = ratio(sides, "load", "load asked for", Wish.AT_LEAST, 0.95)
    return Table(sides, [*findings, load], {"half load": spread(found)})


def tasks(run: Run) -> Table:
    """Tasks that Celery began, whatever they did, for 1,000 deliveries."""
    sides = {
        "drain": Side("tasks", [each.tasks_of_drain for each in _rounds(run)]),
        "half load": Side("tasks", [each.tasks_of_news for each in _rounds(run)]),
    }
    findings = [
        Finding(f"tasks for 1,000, {name}", side.median, Wish.AT_MOST, 10) for name, side in sides.items()
    ]
    return Table(sides, findings)


@cache
def _rounds(run: Run) -> list[_Round]:
    """Both rows say what they saw of the same rounds."""
    return run.in_turn({"one worker": lambda: _round(run)})["one worker"]


def _round(run: Run) -> _Round:
    count = run.sizes.deliveries
    fetch_text(f"{run.url}/forget")
    with run.stage.scene("half_load") as on:
        on.command("bench_owe", f"{run.url}/at-once/{{}}", str(count))
        with on.workers(ONE_WORKER):
            rate = drain(on, run.url, count).rate
            before = on.tasks_begun(workers=1)
            fetch_text(f"{run.url}/forget")
            told = told_for(on, rate / 2, run.sizes.half_load)
            wait_until_delivered(on)
            begun = on.tasks_begun(workers=1) - before
        came = len(told.committed) * EACH
        check_records(on, count + came)
    return _Round(rate, waits(told, arrivals(run.url), EACH), before / count * 1000, begun / came * 1000)
