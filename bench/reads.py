"""`python -m bench.reads`: how fast results are read, beside a view that answers a constant.

Starts PostgreSQL, Valkey and a web server of its own and ends them. The exit status is 0 whatever the figures
are; a wrong answer ends the bench.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bench.curves import Spread
from bench.deliveries.figures import Side, Table, Wish, quantile, ratio
from bench.load import Call, Rate, run
from bench.rows import takes_a_file, tell
from bench.stage import fetch, stage
from bench.steady import steady
from bench.turns import in_turn

#: What the results' rate must reach of the constant's.
LEAST = 0.5
#: Far above what is reached: calls are counted, and none is refused.
_LIMIT = "1000000"
_CONSTANT, _RESULTS = "constant", "results"
_NOT_MODIFIED, _COUNTED = "not modified", "results, calls counted"
_STATUS = {_CONSTANT: 200, _RESULTS: 200, _NOT_MODIFIED: 304, _COUNTED: 200}


def main() -> int:
    """Measure and print."""
    options = _options()
    with stage(options.threads, durable=not options.quick) as on:
        cast: dict[str, Any] = json.loads(on.command("bench_cast", "--trackers", str(options.trackers)))
        first = f"/v1/trackers/{cast['trackers'][0]}/results"
        with on.web() as url:
            on.constant.write_bytes(fetch(url + first, cast["key"]).content)
            found = _checked(in_turn(_routes(url, cast, options.seconds), options.rounds))
            waited = _at_half_load(options, _results(url, cast), found[_RESULTS])
            on.command("bench_cast", "--limit", cast["merchant"], _LIMIT)
            counted = partial(run, _results(url, cast), options.seconds)
            found |= _checked(in_turn({_COUNTED: counted}, options.rounds))
        size = on.constant.stat().st_size
    tell({"results": _rates(found, size), "half load": waited, "list": _list(cast)}, options.json)
    return 0


def _routes(url: str, cast: Mapping[str, Any], seconds: float) -> dict[str, Callable[[], Rate]]:
    """What is measured without limits."""
    results = _results(url, cast)
    constant = [Call(call.url.replace("/results", "/constant"), call.headers) for call in results]
    tags = [fetch(call.url, cast["key"]).headers["ETag"] for call in results]
    held = [
        Call(call.url, (*call.headers, f"If-None-Match: {tag}"))
        for call, tag in zip(results, tags, strict=True)
    ]
    return {
        _CONSTANT: partial(run, constant, seconds),
        _RESULTS: partial(run, results, seconds),
        _NOT_MODIFIED: partial(run, held, seconds),
    }


def _results(url: str, cast: Mapping[str, Any]) -> list[Call]:
    """One call for each tracker."""
    key = f"Authorization: Bearer {cast['key']}"
    return [Call(f"{url}/v1/trackers/{id_}/results", (key,)) for id_ in cast["trackers"]]


def _at_half_load(options: argparse.Namespace, calls: list[Call], found: Sequence[Rate]) -> Table:
    """How long results take that come in at half the rate that was just reached, however slow the web is."""
    rate = quantile([each.per_second for each in found], 0.5) / 2
    rounds = [steady(calls, rate, options.seconds, _STATUS[_RESULTS]) for _ in range(options.rounds)]
    sides = {
        name: Side("ms", [quantile(each, share) * 1000 for each in rounds])
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }
    sides["load"] = Side("a second", [rate])
    return Table(sides, [], {_RESULTS: Spread.of([took for each in rounds for took in each])})


def _rates(found: Mapping[str, Sequence[Rate]], size: int) -> Table:
    sides = {name: Side("a second", [each.per_second for each in rates]) for name, rates in found.items()}
    finding = ratio(sides, _RESULTS, _CONSTANT, Wish.AT_LEAST, LEAST)
    return Table({**sides, "one answer": Side("bytes", [float(size)])}, [finding])


def _list(cast: Mapping[str, Any]) -> Table:
    return Table({"100 trackers": Side("statements", [float(cast["statements"])])}, [])


def _checked(found: dict[str, list[Rate]]) -> dict[str, list[Rate]]:
    """Raises RuntimeError where anything else was answered than what was asked for."""
    for name, rates in found.items():
        if any(set(rate.statuses) != {_STATUS[name]} for rate in rates):
            raise RuntimeError(f"{name}: other statuses than {_STATUS[name]}")
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.reads", description=__doc__)
    parser.add_argument("--trackers", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one round of one route")
    parser.add_argument("--threads", type=int, default=8, help="of the web server, as WEB_THREADS")
    parser.add_argument("--quick", action="store_true", help="only whether the bench works")
    takes_a_file(parser)
    options = parser.parse_args()
    if options.quick:
        options.trackers, options.rounds, options.seconds = 50, 1, 0.5
    return options


if __name__ == "__main__":
    sys.exit(main())
