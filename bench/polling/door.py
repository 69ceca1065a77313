"""Row `door`: from a scan at the carrier to the subscriber; everything runs as `manage.py up` runs it."""

from subprocess import Popen

from bench.curves import Spread
from bench.deliveries.arriving import Waits
from bench.deliveries.figures import Finding, Side, Table, Wish, ratio
from bench.deliveries.recorded import arrivals, check_arrivals
from bench.polling.polled import check, check_questions
from bench.polling.run import SCANS, Run
from bench.stage import Stage, fetch_text, hear, say_to

#: Changed parcels a second; and seconds of them before those that are timed.
RATE = 100
_FIRST = 2
_SCANNED = "SELECT count(*) FROM events_event WHERE type = 'tracking.scanned'"
_STREAMS = "SELECT id::text, stream::text FROM webhooks_message"


def door(run: Run) -> Table:
    """100 changed parcels a second, each poll asked for at once, one endpoint of each merchant."""
    found = run.in_turn({"parcelwire": lambda: _round(run)})["parcelwire"]
    sides = {
        "p50": Side("ms", [each.p50 * 1000 for each in found]),
        "p99": Side("ms", [each.p99 * 1000 for each in found]),
        "load asked for": Side("a second", [float(RATE)]),
        "load": Side("a second", [each.rate for each in found]),
    }
    findings = [
        Finding(f"{name}, ms", sides[name].median, Wish.AT_MOST, limit, name)
        for name, limit in (("p50", 150), ("p99", 1000))
    ]
    findings.append(ratio(sides, "load", "load asked for", Wish.AT_LEAST, 0.95))
    return Table(sides, findings, {"door": Spread.of([took for each in found for took in each.seconds])})


def _round(run: Run) -> Waits:
    """The first polls, until which processes and connections are there, are not timed."""
    first, timed = round(RATE * _FIRST), round(RATE * run.sizes.door)
    count = first + timed
    fetch_text(f"{run.carrier}/forget")
    fetch_text(f"{run.subscriber}/forget")
    with run.stage.scene("door") as on:
        on.command("bench_follow", f"{run.carrier}/{SCANS}", str(count), "--endpoint", run.subscriber)
        with on.talk("bench_scan") as carriers:
            hear(carriers)
            with on.programs():
                _scan(carriers, first)
                fetch_text(f"{run.subscriber}/heard/{first}")
                moments = _scan(carriers, timed)
                fetch_text(f"{run.subscriber}/heard/{count}")
                check_questions(run.carrier, count)
            carriers.communicate()
        check(on, count * SCANS, _SCANNED)
        return _waits(on, run, moments, count)


def _scan(carriers: Popen[str], count: int) -> dict[str, float]:
    """By tracker, when its carrier had news."""
    say_to(carriers, f"{RATE} {count}")
    moments = {}
    while (line := hear(carriers).split()) != ["done"]:
        moments[line[0]] = float(line[1])
    if len(moments) != count:
        raise RuntimeError(f"{len(moments)} polls were asked for instead of {count}")
    return moments


def _waits(on: Stage, run: Run, moments: dict[str, float], count: int) -> Waits:
    """Of each of these trackers; every message arrived once."""
    with on.database() as database:
        streams: dict[str, str] = dict(database.execute(_STREAMS).fetchall())
    heard = arrivals(run.subscriber)
    check_arrivals(heard, count)
    ours = [(streams[each.message_id], each.at) for each in heard]
    waits = [at - moments[tracker] for tracker, at in ours if tracker in moments]
    if len(waits) != len(moments):
        raise RuntimeError(f"{len(waits)} arrived instead of {len(moments)}")
    last = max(at for _, at in ours)
    return Waits(waits, len(waits) / (last - min(moments.values())))
