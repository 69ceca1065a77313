"""Row `slow`: 500 endpoints that answer after 200 ms, and 1,000 requests that may be in flight."""

from bench.deliveries.draining import Drained, drain
from bench.deliveries.figures import Side, Table, Wish, ratio
from bench.deliveries.rate import bare_loop
from bench.deliveries.run import ONE_WORKER, Run
from bench.stage import fetch_text

_MERCHANTS = 100
#: What bench.subscriber takes for `/slow/`, in seconds.
_ANSWERS_AFTER = 0.2
_IN_FLIGHT = 1_000
_PATH = "/slow/{}"


def slow(run: Run) -> Table:
    """Beside what 1,000 in flight can do at most; the bare loop shows what this machine lets through."""
    count = run.sizes.slow
    sides = {"bare loop": lambda: bare_loop(run, _PATH, count, _IN_FLIGHT), "parcelwire": lambda: _ours(run)}
    found = run.in_turn(sides)
    rates = {name: Side("a second", [each.rate for each in rounds]) for name, rounds in found.items()}
    ideal = _IN_FLIGHT / _ANSWERS_AFTER
    rates["1,000 in 0.2 s"] = Side("a second", [ideal])
    return Table(rates, [ratio(rates, "parcelwire", "1,000 in 0.2 s", Wish.AT_LEAST, 0.8)])


def _ours(run: Run) -> Drained:
    fetch_text(f"{run.url}/forget")
    with run.stage.scene("slow") as on:
        on.command("bench_owe", run.url + _PATH, str(run.sizes.slow), "--merchants", str(_MERCHANTS))
        with on.workers(ONE_WORKER):
            return drain(on, run.url, run.sizes.slow, answers_after=_ANSWERS_AFTER)
