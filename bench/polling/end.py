"""Row `end`: from a poll that tells five scans to subscribers who have heard of them."""

from bench.deliveries.figures import Side, Table, Wish, ratio
from bench.deliveries.recorded import arrivals, check_arrivals, check_records, wait_until
from bench.polling.polled import Polled, check, first_question, polled, polled_plainly
from bench.polling.run import DELIVERIES, POLLS, SCANS, Run
from bench.stage import fetch_text

#: Of each side: one that polls and one that delivers, two that do both.
_WORKERS = (POLLS, DELIVERIES)
_NONE_OWED = "SELECT count(*) FILTER (WHERE state = 'delivered') = %(count)s FROM webhooks_delivery"
_NONE_OWED_PLAINLY = """
SELECT count(*) FILTER (WHERE state = 'delivered') = %(count)s FROM bench_plaindelivery
"""
_REFERENCE, _OURS = "plain way", "parcelwire"


def end(run: Run) -> Table:
    """Beside the plain way; two worker processes each, until all deliveries are made and on record."""
    found = run.in_turn({_REFERENCE: lambda: _plain_way(run), _OURS: lambda: _ours(run)})
    sides = {name: Side("a second", [each.rate for each in rounds]) for name, rounds in found.items()}
    return Table(sides, [ratio(sides, _OURS, _REFERENCE, Wish.AT_LEAST, 15)])


def _ours(run: Run) -> Polled:
    """One message of each poll, which holds its five scans."""
    count = run.sizes.changed
    _forget(run)
    with run.stage.scene("end_to_end") as on:
        on.command("bench_follow", f"{run.carrier}/{SCANS}", str(count), "--endpoint", run.subscriber)
        with on.workers(_WORKERS):
            first = first_question(run.carrier, count)
            polled(on, run.carrier, count, outcome="ok", scans=count * SCANS)
            ended = wait_until(on, _NONE_OWED, count=count)
        check_arrivals(arrivals(run.subscriber), count)
        check_records(on, count)
    return Polled(count / (ended - first), count)


def _plain_way(run: Run) -> Polled:
    """A delivery of each scan."""
    count = run.sizes.plain
    _forget(run)
    with run.stage.scene("plain_end_to_end") as on:
        words = ("--plain", "--endpoint", f"{run.subscriber}/any")
        on.command("bench_follow", f"{run.carrier}/{SCANS}", str(count), *words)
        with on.plain_workers("bench.plain_polls", count=len(_WORKERS)):
            first = first_question(run.carrier, count)
            polled_plainly(on, run.carrier, count, polls=1, scans=count * SCANS)
            ended = wait_until(on, _NONE_OWED_PLAINLY, count=count * SCANS)
        check_arrivals(arrivals(run.subscriber), count * SCANS)
        check(on, count * SCANS, "SELECT count(*) FROM bench_plaindelivery WHERE attempts = 1")
    return Polled(count / (ended - first), count)


def _forget(run: Run) -> None:
    fetch_text(f"{run.carrier}/forget")
    fetch_text(f"{run.subscriber}/forget")
