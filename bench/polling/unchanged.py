"""Row `unchanged`: polls a second that tell nothing new, of one worker process."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator

from bench.deliveries.figures import Side, Table, Wish, ratio
from bench.polling.polled import Polled, check_questions, polled, polled_plainly
from bench.polling.run import POLLS, SCANS, Run
from bench.stage import Stage, fetch_text

_THREADS = 10
_PLAIN_APP = "bench.plain_polls"


def unchanged(run: Run) -> Table:
    """Beside a bare `requests.Session` loop in threads that gets the same, and beside the plain way."""
    with _ours(run) as ours, _plain_way(run) as plain_way:
        found = run.in_turn({"bare loop": lambda: bare_loop(run), "plain way": plain_way, "parcelwire": ours})
    sides = {name: Side("a second", [each.rate for each in rounds]) for name, rounds in found.items()}
    findings = [
        ratio(sides, "parcelwire", name, Wish.AT_LEAST, goal)
        for name, goal in (("bare loop", 0.6), ("plain way", 10))
    ]
    return Table(sides, findings)


def bare_loop(run: Run) -> Polled:
    """The seconds are its own; what was asked is the carrier's."""
    fetch_text(f"{run.carrier}/forget")
    count = run.sizes.unchanged
    words = [sys.executable, "-m", "bench.gets", f"{run.carrier}/{SCANS}", str(count), str(_THREADS)]
    told = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    check_questions(run.carrier, count)
    return Polled(count / float(told), count)


@contextlib.contextmanager
def _ours(run: Run) -> Iterator[Callable[[], Polled]]:
    """Each round polls the same parcels once more; what their first polls took is nobody's."""
    count = run.sizes.unchanged
    with run.stage.scene("unchanged") as on:
        _round(run, on, count, outcome="ok")
        yield lambda: _round(run, on, 0, outcome="unchanged")


def _round(run: Run, on: Stage, follow: int, outcome: str) -> Polled:
    """All is due, and the worker is asked for it, before it starts."""
    fetch_text(f"{run.carrier}/forget")
    on.command("bench_follow", f"{run.carrier}/{SCANS}", str(follow))
    count = run.sizes.unchanged
    with on.workers([POLLS]):
        return polled(on, run.carrier, count, outcome=outcome, scans=count * SCANS)


@contextlib.contextmanager
def _plain_way(run: Run) -> Iterator[Callable[[], Polled]]:
    count = run.sizes.plain
    polls = 0
    with run.stage.scene("plain_unchanged") as on:

        def measure(follow: int = 0) -> Polled:
            nonlocal polls
            polls += 1
            fetch_text(f"{run.carrier}/forget")
            on.command("bench_follow", f"{run.carrier}/{SCANS}", str(follow), "--plain")
            with on.plain_workers(_PLAIN_APP):
                return polled_plainly(on, run.carrier, count, polls=polls, scans=count * SCANS)

        measure(count)
        yield measure
