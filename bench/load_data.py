"""`python -m bench.load_data`: the admin's pages over 1,000,000 trackers and 10,000,000 events.

Starts a PostgreSQL and a Valkey of its own, fills them, opens the dashboard, lists, searches and the pages of
a tracker, an endpoint and an account, and prints how long the database was asked for each, and how often;
before, the same on a hundredth of the rows. The exit status is 0 whatever the figures are. With
`--into-database` it fills the database of DATABASE_URL instead, for looking around, and measures nothing.
"""

import argparse
import json
import os
import subprocess
import sys

from bench.deliveries.figures import Finding, Side, Table, Wish, ratio
from bench.rows import takes_a_file, tell
from bench.stage import Stage, stage
from bench.turns import say

#: Milliseconds that the database may take for one page.
LIMIT = 300.0
_SMALLER = 100
_LOADING = 7200.0


def main() -> int:
    """Fill, measure and print."""
    options = argparse.ArgumentParser(prog="python -m bench.load_data", description=__doc__)
    options.add_argument("--trackers", type=int, default=1_000_000, help="with ten events each, on average")
    options.add_argument("--rounds", type=int, default=5, help="of each page; 5 by default")
    options.add_argument("--quick", action="store_true", help="only whether the bench works")
    options.add_argument("--into-database", action="store_true", help="fill DATABASE_URL; measure nothing")
    takes_a_file(options)
    given = options.parse_args()
    if given.quick:
        given.trackers, given.rounds = 1_000, 1
    if given.into_database:
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "bench.settings"}
        words = [sys.executable, "manage.py", "bench_load", str(given.trackers)]
        return subprocess.run(words, env=environment, check=False).returncode
    with stage(threads=1, durable=not given.quick) as on:
        few = _measured(on, given.trackers // _SMALLER, given.rounds)
        many = _measured(on, given.trackers, given.rounds)
    tell(_tables(few, many), given.json)
    return 0


def _measured(on: Stage, trackers: int, rounds: int) -> dict[str, list[tuple[float, int]]]:
    """By page, the milliseconds and the statements of each round."""
    with on.scene(f"loaded_{trackers}") as loaded:
        say(f"loading {trackers:,} trackers")
        with loaded.talk("bench_load", str(trackers)) as loading:
            loading.communicate(timeout=_LOADING)
        with loaded.talk("bench_pages", str(rounds)) as opening:
            found: dict[str, list[tuple[float, int]]] = json.loads(opening.communicate(timeout=_LOADING)[0])
    return found


def _tables(
    few: dict[str, list[tuple[float, int]]], many: dict[str, list[tuple[float, int]]]
) -> dict[str, Table]:
    tables = {}
    for page, rounds in many.items():
        slow = Side("ms", [ms for ms, _ in rounds])
        sides = {
            "a hundredth": Side("ms", [ms for ms, _ in few[page]]),
            "all": slow,
            "statements, a hundredth": Side("statements", [float(few[page][-1][1])]),
            "statements, all": Side("statements", [float(rounds[-1][1])]),
        }
        findings = [
            Finding("ms of the database", slow.median, Wish.AT_MOST, LIMIT, "all"),
            ratio(sides, "statements, all", "statements, a hundredth", Wish.AT_MOST, 1.0),
        ]
        tables[page] = Table(sides, findings)
    return tables


if __name__ == "__main__":
    sys.exit(main())
