"""Row `hang`: what 20 of 100 endpoints that never answer cost the other 80."""

from bench.deliveries.arriving import Waits, heard_of, spread, told_for, waits
from bench.deliveries.figures import Side, Table, Wish, ratio
from bench.deliveries.recorded import check_records, wait_until_delivered
from bench.deliveries.run import WORKER_EACH, Run
from bench.stage import fetch_text

_MERCHANTS = 20
#: Endpoints of each merchant, and those of them that are measured; the last one is the other 20.
_EACH, _HEALTHY = 5, 4
#: Deliveries a second to all 100.
_LOAD = 500.0
#: Deliveries before the measured ones, so that workers and connections are there.
_FIRST = 500
#: Seconds. A short run then sees what a long one would: slots taken, time-outs, retries, the late pace.
_DEADLINE = "5"


def hang(run: Run) -> Table:
    """First tries of the 80 with the other 20 hanging, and with the other 20 answering."""
    sides = {"all answer": lambda: _waits(run, "/also/{}"), "20 hang": lambda: _waits(run, "/hang/{}")}
    found = run.in_turn(sides)
    tables = {name: Side("ms, p99", [each.p99 * 1000 for each in rounds]) for name, rounds in found.items()}
    loads = {f"load, {name}": Side("a second", [each.rate for each in found[name]]) for name in found}
    findings = [
        ratio(tables, "20 hang", "all answer", Wish.AT_MOST, 1.5, "p99, 20 hang / all answer"),
        ratio(loads, "load, 20 hang", "load, all answer", Wish.AT_LEAST, 0.95),
    ]
    spreads = {name: spread(rounds) for name, rounds in found.items()}
    return Table(tables | loads, findings, spreads)


def _waits(run: Run, other: str) -> Waits:
    urls = [f"{run.url}/at-once/{{}}"] * _HEALTHY + [run.url + other]
    with run.stage.scene("hang", DELIVERY_DEADLINE=_DEADLINE) as on:
        fetch_text(f"{run.url}/forget")
        on.command("bench_owe", *urls, str(_FIRST), "--merchants", str(_MERCHANTS), "--each", str(_EACH))
        with on.workers(WORKER_EACH):
            fetch_text(f"{run.url}/heard/{_FIRST}")
            told = told_for(on, _LOAD, run.sizes.hang)
            wait_until_delivered(on, to="%/at-once/%")
        came = len(told.committed) * _HEALTHY
        check_records(on, came + _FIRST * _HEALTHY // _EACH, to="%/at-once/%")
    if len({each.path for each in heard_of(run.url, other.format(""))}) != _MERCHANTS:
        raise RuntimeError("not all of the other 20 endpoints were tried")
    return waits(told, heard_of(run.url, "/at-once/"), _HEALTHY)
