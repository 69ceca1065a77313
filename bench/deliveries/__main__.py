"""`python -m bench.deliveries`: how fast deliveries go out, how soon, and what troubles of others cost them.

Starts PostgreSQL, Valkey, a subscriber and worker processes of its own and ends them. Each row measures its
sides in turn, in the same run, and checks that everything arrived and was recorded. The exit status is 0
whatever the figures are.
"""

import argparse
import sys
from dataclasses import replace

from bench.deliveries.claim import claim
from bench.deliveries.figures import Table
from bench.deliveries.half_load import latency, tasks
from bench.deliveries.hang import hang
from bench.deliveries.outage import drain
from bench.deliveries.rate import plain, rate
from bench.deliveries.run import QUICK, Run, Sizes, say
from bench.deliveries.slow import slow
from bench.stage import stage

ROWS = {
    "rate": rate,
    "plain": plain,
    "slow": slow,
    "tasks": tasks,
    "latency": latency,
    "hang": hang,
    "drain": drain,
    "claim": claim,
}


def main() -> int:
    """Measure and print."""
    options = _options()
    tables: dict[str, Table] = {}
    with stage(threads=1) as on, on.subscriber() as url:
        run = Run(on, url, _sizes(options), 1 if options.quick else options.rounds)
        for name in options.rows:
            say(f"{name}: {(ROWS[name].__doc__ or '').splitlines()[0]}")
            tables[name] = ROWS[name](run)
    for name, table in tables.items():
        say(f"\n{name}")
        for side, measured in table.sides.items():
            say(f"  {side:32} {measured}")
        for finding in table.findings:
            say(f"  {finding}")
    return 0


def _sizes(options: argparse.Namespace) -> Sizes:
    sizes = QUICK if options.quick else Sizes()
    return replace(sizes, deliveries=options.deliveries) if options.deliveries else sizes


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.deliveries", description=__doc__)
    parser.add_argument("--rows", type=_rows, default=list(ROWS), help=f"of {','.join(ROWS)}; all by default")
    parser.add_argument("--rounds", type=int, default=5, help="of each side; 5 by default")
    parser.add_argument("--deliveries", type=_multiple, help="of a drain by one worker process")
    parser.add_argument("--quick", action="store_true", help="only whether the bench works: no figure counts")
    return parser.parse_args()


def _rows(words: str) -> list[str]:
    names = words.split(",")
    if unknown := set(names) - set(ROWS):
        raise argparse.ArgumentTypeError(f"no rows: {', '.join(sorted(unknown))}")
    return names


def _multiple(word: str) -> int:
    if int(word) % 500:
        raise argparse.ArgumentTypeError("a multiple of 500 is wanted")
    return int(word)


if __name__ == "__main__":
    sys.exit(main())
