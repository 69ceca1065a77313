"""`python -m bench.polling`: how fast parcels are polled, and what is learned recorded and told.

Starts PostgreSQL, Valkey, a carrier, a subscriber and worker processes of its own and ends them. Each row
measures its sides in turn, in the same run, and checks that everything was asked once and recorded. The exit
status is 0 whatever the figures are.
"""

import argparse
import sys

from bench.deliveries.figures import Table
from bench.polling.changed import changed
from bench.polling.claim import claim
from bench.polling.end import end
from bench.polling.history import history
from bench.polling.record import record
from bench.polling.run import QUICK, Run, Sizes
from bench.polling.sick import sick
from bench.polling.unchanged import unchanged
from bench.stage import stage
from bench.turns import say

ROWS = {
    "unchanged": unchanged,
    "changed": changed,
    "end": end,
    "record": record,
    "history": history,
    "claim": claim,
    "sick": sick,
}


def main() -> int:
    """Measure and print."""
    options = _options()
    tables: dict[str, Table] = {}
    with stage(threads=1) as on, on.carrier() as carrier, on.subscriber() as subscriber:
        sizes = QUICK if options.quick else Sizes()
        run = Run(on, carrier, subscriber, sizes, 1 if options.quick else options.rounds)
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


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.polling", description=__doc__)
    parser.add_argument("--rows", type=_rows, default=list(ROWS), help=f"of {','.join(ROWS)}; all by default")
    parser.add_argument("--rounds", type=int, default=5, help="of each side; 5 by default")
    parser.add_argument("--quick", action="store_true", help="only whether the bench works: no figure counts")
    return parser.parse_args()


def _rows(words: str) -> list[str]:
    names = words.split(",")
    if unknown := set(names) - set(ROWS):
        raise argparse.ArgumentTypeError(f"no rows: {', '.join(sorted(unknown))}")
    return names


if __name__ == "__main__":
    sys.exit(main())
