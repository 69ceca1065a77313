"""Rows `rate` and `plain`: deliveries a second of one worker process, every row written."""

import subprocess
import sys

from bench.deliveries.draining import Drained, drained
from bench.deliveries.figures import Side, Table, Wish, ratio
from bench.deliveries.recorded import arrivals, check_arrivals, wait_until
from bench.deliveries.run import Run
from bench.stage import fetch_text

_IN_FLIGHT = 100
_ALL_DELIVERED = """
SELECT count(*) FILTER (WHERE state = 'delivered' AND attempts = 1) = %(count)s FROM bench_plaindelivery
"""


def rate(run: Run) -> Table:
    """Beside a bare aiohttp loop that signs and posts the same bytes."""
    count = run.sizes.deliveries
    sides = {
        "bare loop": lambda: bare_loop(run, "/at-once/{}", count, _IN_FLIGHT),
        "parcelwire": lambda: _ours(run),
    }
    return _table(run.in_turn(sides), "bare loop", 0.8)


def plain(run: Run) -> Table:
    """Beside what anybody writes first: a Celery task for each, the ORM, `requests.post`."""
    sides = {"plain way": lambda: _plain_way(run), "parcelwire": lambda: _ours(run)}
    return _table(run.in_turn(sides), "plain way", 40)


def bare_loop(run: Run, path: str, count: int, in_flight: int) -> Drained:
    """The seconds are its own; what arrived is the subscriber's."""
    fetch_text(f"{run.url}/forget")
    words = [sys.executable, "-m", "bench.loop", run.url + path, str(count), str(in_flight)]
    told = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    check_arrivals(arrivals(run.url), count)
    return Drained(count / float(told), count)


def _ours(run: Run) -> Drained:
    with run.stage.scene("rate") as on:
        return drained(on, run.url, run.sizes.deliveries)


def _plain_way(run: Run) -> Drained:
    """As `drained`: all is due before the worker starts."""
    count = run.sizes.plain
    fetch_text(f"{run.url}/forget")
    with run.stage.scene("plain") as on:
        on.command("bench_owe", f"{run.url}/at-once/{{}}", str(count), "--plain")
        with on.plain_workers():
            fetch_text(f"{run.url}/heard/{count}")
            ended = wait_until(on, _ALL_DELIVERED, count=count)
    heard = arrivals(run.url)
    check_arrivals(heard, count)
    return Drained(count / (ended - heard[0].at), count)


def _table(found: dict[str, list[Drained]], other: str, goal: float) -> Table:
    sides = {name: Side("a second", [each.rate for each in rounds]) for name, rounds in found.items()}
    return Table(sides, [ratio(sides, "parcelwire", other, Wish.AT_LEAST, goal)])
