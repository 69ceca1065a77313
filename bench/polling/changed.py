"""Row `changed`: polls a second that tell five scans each, of one worker process."""

from bench.deliveries.figures import Side, Table, Wish, ratio
from bench.polling.polled import Polled, check, polled, polled_plainly
from bench.polling.run import POLLS, SCANS, Run
from bench.stage import fetch_text

_OWED = "SELECT count(*) FROM webhooks_delivery"
_REFERENCE, _QUIET, _TOLD = "plain way", "parcelwire, no endpoint", "parcelwire, one endpoint"


def changed(run: Run) -> Table:
    """Beside the plain way, with an endpoint that is owed a delivery of each poll, and without."""
    found = run.in_turn(
        {
            _REFERENCE: lambda: _plain_way(run),
            _QUIET: lambda: _ours(run, []),
            _TOLD: lambda: _ours(run, ["--endpoint", run.subscriber]),
        }
    )
    sides = {name: Side("a second", [each.rate for each in rounds]) for name, rounds in found.items()}
    findings = [ratio(sides, name, _REFERENCE, Wish.AT_LEAST, 10) for name in (_QUIET, _TOLD)]
    return Table(sides, findings)


def _ours(run: Run, options: list[str]) -> Polled:
    count = run.sizes.changed
    fetch_text(f"{run.carrier}/forget")
    with run.stage.scene("changed") as on:
        on.command("bench_follow", f"{run.carrier}/{SCANS}", str(count), *options)
        with on.workers([POLLS]):
            found = polled(on, run.carrier, count, outcome="ok", scans=count * SCANS)
        check(on, count if options else 0, _OWED)
    return found


def _plain_way(run: Run) -> Polled:
    count = run.sizes.plain
    fetch_text(f"{run.carrier}/forget")
    with run.stage.scene("plain_changed") as on:
        on.command("bench_follow", f"{run.carrier}/{SCANS}", str(count), "--plain")
        with on.plain_workers("bench.plain_polls"):
            return polled_plainly(on, run.carrier, count, polls=1, scans=count * SCANS)
