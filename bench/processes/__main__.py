"""`python -m bench.processes`: what more processes, more clients and a second PostgreSQL do.

Starts PostgreSQL, Valkey, a carrier, a subscriber and worker processes of its own and ends them. The kernel's
accounts say which program used the processors. The exit status is 0 whatever the figures are.
"""

import sys

from bench.processes.replica import replica
from bench.processes.run import QUICK, Run, Sizes
from bench.processes.straight import straight
from bench.processes.workers import deliveries, polls
from bench.rows import measured, parser, tell
from bench.stage import stage

ROWS = {"deliveries": deliveries, "polls": polls, "straight": straight, "replica": replica}


def main() -> int:
    """Measure and print."""
    options = parser("bench.processes", __doc__, ROWS).parse_args()
    with (
        stage(threads=8, durable=not options.quick) as on,
        on.carrier() as carrier,
        on.subscriber() as subscriber,
    ):
        sizes, rounds = (QUICK, 1) if options.quick else (Sizes(), min(options.rounds, 2))
        tables = measured(ROWS, options.rows, Run(on, carrier, subscriber, sizes, rounds))
    tell(tables, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
