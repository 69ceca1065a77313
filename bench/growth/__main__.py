"""`python -m bench.growth`: what the product does all day, over few trackers and over very many.

Starts a PostgreSQL of its own with a database for each size, ten events a tracker, and measures every work in
turn over all of them, in the same minutes: milliseconds, and the pages that PostgreSQL looked at. The exit
status is 0 whatever the figures are. The databases of a full run need about 20 GB until it ends.
"""

import argparse
import contextlib
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from subprocess import Popen

from bench.curves import Curve
from bench.deliveries.figures import Side, Table, Wish, ratio
from bench.polling.record import SETTINGS
from bench.rows import takes_a_file, tell
from bench.stage import Stage, hear, say_to, stage
from bench.turns import in_turn, say

#: Trackers of each database.
SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (500, 1_000)
#: Whose they are: so few that one has more than a page of the feed looks at, at the smallest size, too.
MERCHANTS = 10
#: What a work may cost at the largest size, of what it costs at the smallest.
LIMIT = 1.3
#: By work, how often it is done in a round; after `due` those that find something due.
WORKS = {
    "create 100": 5,
    "record 100 answers": 5,
    "results": 100,
    "list": 20,
    "results by number": 40,
    "search of staff": 20,
    "feed, first page": 20,
    "feed, middle": 20,
    "feed, end": 20,
    "dashboard": 5,
    "rebuild one": 100,
    "sweep with nothing to delete": 20,
}
DUE_WORKS = {"claim 100 polls": 20, "claim 100 deliveries": 20}
#: Nothing is old enough to go, and lines of a log are nobody's.
_SETTINGS = {**SETTINGS, "DELIVERIES_KEPT_DAYS": "90", "LOG_LEVEL": "ERROR", "PYTHONWARNINGS": "ignore"}


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians of a round: milliseconds, pages in all, and those of them not in PostgreSQL's buffers."""

    ms: float
    pages: float
    asked: float

    def __str__(self) -> str:
        return f"{self.ms:.2f} ms, {self.pages:.0f} pages, {self.asked:.0f} of them not in its buffers"


def main() -> int:
    """Fill, measure and print."""
    given = _options()
    with stage(threads=1, durable=not given.quick) as on, contextlib.ExitStack() as stack:
        processes = {size: _filled(on, stack, size) for size in given.sizes}
        tables = _measured(processes, WORKS, given)
        for process in processes.values():
            _ask(process, "due")
        tables |= _measured(processes, DUE_WORKS, given)
        for process in processes.values():
            process.communicate()
    tell(tables, given.json)
    return 0


def _filled(on: Stage, stack: contextlib.ExitStack, size: int) -> Popen[str]:
    """A process over a database of so many trackers."""
    scene = stack.enter_context(on.scene(f"grown_{size}", **_SETTINGS))
    say(f"loading {size:,} trackers")
    began = time.monotonic()
    scene.command("bench_load", str(size), "--merchants", str(MERCHANTS))
    with scene.database() as database:
        row = database.execute("SELECT pg_database_size(current_database()) / 1e9").fetchone()
    say(f"  {time.monotonic() - began:.0f} s, {row[0] if row else 0:.1f} GB")
    process = stack.enter_context(scene.talk("bench_grow"))
    hear(process)
    return process


def _measured(
    processes: dict[int, Popen[str]], works: dict[str, int], given: argparse.Namespace
) -> dict[str, Table]:
    tables = {}
    for name, count in works.items():
        say(name)
        often = 1 if given.quick else count
        for process in processes.values():
            _cost(process, name, often)  # plans are made, and what a process keeps is there
        sides = {f"{size:,}": partial(_cost, processes[size], name, often) for size in given.sizes}
        tables[name] = _table(given.sizes, in_turn(sides, given.rounds))
    return tables


def _cost(process: Popen[str], name: str, count: int) -> Cost:
    told = _ask(process, f"{count} {name}")
    ms, found, asked = (statistics.median(values) for values in zip(*told, strict=True))
    return Cost(ms, found + asked, asked)


def _table(sizes: Sequence[int], found: dict[str, list[Cost]]) -> Table:
    sides = {size: Side("ms", [one.ms for one in rounds]) for size, rounds in found.items()}
    pages = {f"{size}, pages": Side("pages", [one.pages for one in rounds]) for size, rounds in found.items()}
    asked = {
        f"{size}, not in the buffers": Side("pages", [one.asked for one in rounds])
        for size, rounds in found.items()
    }
    finding = ratio(sides, f"{sizes[-1]:,}", f"{sizes[0]:,}", Wish.AT_MOST, LIMIT)
    points = [(float(size), sides[f"{size:,}"].median) for size in sizes]
    return Table(sides | pages | asked, [finding], curves={"ms": Curve("trackers", "ms", points)})


def _ask(process: Popen[str], question: str) -> list[tuple[float, int, int]]:
    say_to(process, question)
    told: list[tuple[float, int, int]] = json.loads(hear(process))
    return told


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    options.add_argument("--sizes", help="trackers of each database, rising, with commas", type=_sizes)
    options.add_argument("--rounds", type=int, default=5, help="of each work at each size; 5 by default")
    options.add_argument("--quick", action="store_true", help="only whether the bench works")
    takes_a_file(options)
    given = options.parse_args()
    given.sizes = given.sizes or (QUICK_SIZES if given.quick else SIZES)
    given.rounds = 1 if given.quick else given.rounds
    return given


def _sizes(words: str) -> tuple[int, ...]:
    sizes = tuple(int(word) for word in words.split(","))
    if len(sizes) < 2 or list(sizes) != sorted(set(sizes)):
        raise argparse.ArgumentTypeError("at least two sizes, rising")
    return sizes


if __name__ == "__main__":
    sys.exit(main())
