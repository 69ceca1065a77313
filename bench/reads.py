"""`python -m bench.reads`: how fast results are read, beside a view that answers a constant.

Starts PostgreSQL, Valkey and a web server of its own and ends them. Exit status 1 where
`GET /v1/trackers/{id}/results` answers less than half as often as the constant.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bench.load import Call, Rate, alternate, run
from bench.stage import fetch, stage

#: What the results' rate must reach of the constant's.
LEAST = 0.5
#: Far above what is reached: calls are counted, and none is refused.
_LIMIT = "1000000"


def main() -> int:
    """Measure, print, judge."""
    options = _options()
    with stage(options.threads) as on:
        cast: dict[str, Any] = json.loads(on.command("bench_cast", "--trackers", str(options.trackers)))
        first = f"/v1/trackers/{cast['trackers'][0]}/results"
        with on.web() as url:
            on.constant.write_bytes(fetch(url + first, cast["key"]).content)
            _say(f"body of one answer: {on.constant.stat().st_size} bytes")
            plain = alternate(options.rounds, _routes(url, cast, options.seconds))
            on.command("bench_cast", "--limit", cast["merchant"], _LIMIT)
            limited = alternate(options.rounds, _limited(url, cast, options.seconds))
    return _told(plain, limited, cast["statements"])


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
        "constant": partial(run, constant, seconds),
        "results": partial(run, results, seconds),
        "not modified": partial(run, held, seconds),
    }


def _limited(url: str, cast: Mapping[str, Any], seconds: float) -> dict[str, Callable[[], Rate]]:
    return {"results, calls counted": partial(run, _results(url, cast), seconds)}


def _results(url: str, cast: Mapping[str, Any]) -> list[Call]:
    """One call for each tracker."""
    key = f"Authorization: Bearer {cast['key']}"
    return [Call(f"{url}/v1/trackers/{id_}/results", (key,)) for id_ in cast["trackers"]]


def _told(plain: Mapping[str, Sequence[Rate]], limited: Mapping[str, Sequence[Rate]], statements: int) -> int:
    """Print what was measured. Returns the exit status."""
    medians = {}
    for name, rates in {**plain, **limited}.items():
        medians[name] = statistics.median(rate.per_second for rate in rates)
        rounds = " ".join(f"{rate.per_second:.0f}" for rate in rates)
        statuses = sorted({status for rate in rates for status in rate.statuses})
        _say(f"{name:24} {medians[name]:8.0f} a second   rounds {rounds}   statuses {statuses}")
    ratio = medians["results"] / medians["constant"]
    _say(f"results / constant: {ratio:.2f} (at least {LEAST})")
    _say(f"SQL statements of a list of 100: {statements}")
    expected = {"constant": {200}, "results": {200}, "not modified": {304}, "results, calls counted": {200}}
    for name, rates in {**plain, **limited}.items():
        if any(set(rate.statuses) != expected[name] for rate in rates):
            _say(f"{name}: other statuses than {expected[name]}")
            return 1
    return 0 if ratio >= LEAST else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.reads", description=__doc__)
    parser.add_argument("--trackers", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one round of one route")
    parser.add_argument("--threads", type=int, default=8, help="of the web server, as WEB_THREADS")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
