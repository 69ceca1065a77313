"""Row `drain`: 100,000 deliveries due after an outage, and news meanwhile to the same endpoints."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bench.bodies import EACH, ENDPOINTS
from bench.deliveries import backlog
from bench.deliveries.arriving import Waits, news, waits
from bench.deliveries.draining import Drained
from bench.deliveries.draining import drain as drained
from bench.deliveries.figures import Finding, Side, Table, Wish, ratio
from bench.deliveries.recorded import arrivals, check_arrivals, check_records, wait_until_delivered
from bench.deliveries.run import WORKER_EACH, Run
from bench.stage import fetch_text

#: Deliveries of news a second.
_LOAD = 100.0
#: Whether what is due are late retries, or first tries.
_OUTAGES = {"subscribers were out": True, "we were out": False}
_NO_OUTAGE = "no outage"
#: Seconds of which the backlog is older, and the news younger.
_AGE = 300


@dataclass(frozen=True, slots=True)
class _Round:
    """Deliveries a second, news among them, until none of the backlog was pending; the news' waits."""

    rate: float
    waits: Waits
    #: Begun for 1,000 deliveries.
    tasks: float

    def __str__(self) -> str:
        return f"{self.rate:,.0f} a second; news: {self.waits}; {self.tasks:.2f} tasks for 1,000"


def drain(run: Run) -> Table:
    """Beside as many deliveries that have just become due, drained by the same workers without news."""
    sides: dict[str, Callable[[], Drained | _Round]] = {_NO_OUTAGE: lambda: _without_news(run)}
    sides |= {name: partial(_with_news, run, late=late) for name, late in _OUTAGES.items()}
    found = run.in_turn(sides)
    tables = {name: Side("a second", [each.rate for each in rounds]) for name, rounds in found.items()}
    findings = []
    for name in _OUTAGES:
        rounds = [each for each in found[name] if isinstance(each, _Round)]
        news_p99 = Side("s, p99", [each.waits.p99 for each in rounds])
        tasks = Side("for 1,000", [each.tasks for each in rounds])
        findings += [
            ratio(tables, name, _NO_OUTAGE, Wish.AT_LEAST, 0.9),
            Finding(f"p99 of news, s, {name}", news_p99.median, Wish.AT_MOST, 2),
            Finding(f"tasks for 1,000, {name}", tasks.median, Wish.AT_MOST, 10),
        ]
        tables |= {f"news, {name}": news_p99, f"tasks, {name}": tasks}
    return Table(tables, findings)


def _without_news(run: Run) -> Drained:
    count = run.sizes.backlog
    fetch_text(f"{run.url}/forget")
    with run.stage.scene("drain") as on:
        on.command("bench_owe", f"{run.url}/at-once/{{}}", str(count))
        with on.workers(WORKER_EACH):
            return drained(on, run.url, count)


def _with_news(run: Run, *, late: bool) -> _Round:
    """Nobody nudges for the backlog: after an outage a sweep finds it."""
    count = run.sizes.backlog
    fetch_text(f"{run.url}/forget")
    with run.stage.scene("drain") as on:
        on.command("bench_owe", f"{run.url}/at-once/{{}}", "0")
        backlog.owe(on, count // ENDPOINTS, late=late)
        with on.workers(WORKER_EACH):
            with news(on, _LOAD) as told:
                fetch_text(f"{run.url}/heard/1")
                told.begin()
                fetch_text(f"{run.url}/heard/{count}")
                ended = wait_until_delivered(on, age=_AGE)
            wait_until_delivered(on)
            tasks = on.tasks_begun(len(WORKER_EACH))
        every = count + len(told.committed) * EACH
        check_records(on, every)
    heard = arrivals(run.url)
    check_arrivals(heard, every)
    sent = sum(each.at <= ended for each in heard)
    began = min(each.at for each in heard)
    return _Round(sent / (ended - began), waits(told, heard, EACH, until=ended), tasks / every * 1000)
