"""Row `drain`: 100,000 deliveries due after an outage, and news meanwhile to the same endpoints."""

from dataclasses import dataclass
from functools import partial

from bench.bodies import EACH, ENDPOINTS
from bench.deliveries import backlog
from bench.deliveries.arriving import Waits, news, waits
from bench.deliveries.draining import drain as drained
from bench.deliveries.figures import Finding, Side, Table, Wish
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
    waits: Waits | None = None

    def __str__(self) -> str:
        return f"{self.rate:,.0f} a second" + (f"; news: {self.waits}" if self.waits else "")


def drain(run: Run) -> Table:
    """Beside deliveries that have just become due, drained by the same workers without news."""
    sides = {_NO_OUTAGE: lambda: _without_news(run)}
    sides |= {name: partial(_with_news, run, late=late) for name, late in _OUTAGES.items()}
    found = run.in_turn(sides, rounds=2)
    rates = {name: Side("a second", [each.rate for each in rounds]) for name, rounds in found.items()}
    news_p99 = {
        f"news, {name}": Side("s, p99", [each.waits.p99 for each in found[name] if each.waits])
        for name in _OUTAGES
    }
    findings = []
    for name in _OUTAGES:
        ratio = rates[name].median / rates[_NO_OUTAGE].median
        findings.append(Finding(f"{name} / {_NO_OUTAGE}", ratio, Wish.AT_LEAST, 0.9))
        findings.append(Finding(f"p99 of news, s, {name}", news_p99[f"news, {name}"].median, Wish.AT_MOST, 2))
    return Table(rates | news_p99, findings)


def _without_news(run: Run) -> _Round:
    count = run.sizes.deliveries
    fetch_text(f"{run.url}/forget")
    with run.stage.scene("drain") as on:
        on.command("bench_owe", f"{run.url}/at-once/{{}}", str(count))
        with on.workers(WORKER_EACH):
            return _Round(drained(on, run.url, count).rate)


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
        check_records(on, count + len(told.committed) * EACH)
    heard = arrivals(run.url)
    check_arrivals(heard, count + len(told.committed) * EACH)
    sent = sum(each.at <= ended for each in heard)
    began = min(each.at for each in heard)
    return _Round(sent / (ended - began), waits(told, heard, EACH, until=ended))
