"""`python -m bench.deliveries`: how fast deliveries go out, how soon, and what troubles of others cost them.

Starts PostgreSQL, Valkey, a subscriber and worker processes of its own and ends them. Each row measures its
sides in turn, in the same run, and checks that everything arrived and was recorded. The exit status is 0
whatever the figures are.
"""

import argparse
import sys
from dataclasses import replace

from bench.deliveries.claim import claim
from bench.deliveries.half_load import latency, tasks
from bench.deliveries.hang import hang
from bench.deliveries.outage import drain
from bench.deliveries.rate import plain, rate
from bench.deliveries.run import QUICK, Run, Sizes
from bench.deliveries.slow import slow
from bench.rows import measured, parser, tell
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
    with stage(threads=1, durable=not options.quick) as on, on.subscriber() as url:
        run = Run(on, url, _sizes(options), 1 if options.quick else options.rounds)
        tables = measured(ROWS, options.rows, run)
    tell(tables, options.json)
    return 0


def _sizes(options: argparse.Namespace) -> Sizes:
    sizes = QUICK if options.quick else Sizes()
    return replace(sizes, deliveries=options.deliveries) if options.deliveries else sizes


def _options() -> argparse.Namespace:
    options = parser("bench.deliveries", __doc__, ROWS)
    options.add_argument("--deliveries", type=_multiple, help="of a drain by one worker process")
    return options.parse_args()


def _multiple(word: str) -> int:
    if int(word) % 500:
        raise argparse.ArgumentTypeError("a multiple of 500 is wanted")
    return int(word)


if __name__ == "__main__":
    sys.exit(main())
