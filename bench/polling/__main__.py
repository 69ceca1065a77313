"""`python -m bench.polling`: how fast parcels are polled, and what is learned recorded and told.

Starts PostgreSQL, Valkey, a carrier, a subscriber and worker processes of its own and ends them. Each row
measures its sides in turn, in the same run, and checks that everything was asked once and recorded. The exit
status is 0 whatever the figures are.
"""

import sys

from bench.polling.changed import changed
from bench.polling.claim import claim
from bench.polling.door import door
from bench.polling.end import end
from bench.polling.history import history
from bench.polling.record import record
from bench.polling.run import QUICK, Run, Sizes
from bench.polling.sick import sick
from bench.polling.unchanged import unchanged
from bench.rows import measured, parser, tell
from bench.stage import stage

ROWS = {
    "unchanged": unchanged,
    "changed": changed,
    "end": end,
    "door": door,
    "record": record,
    "history": history,
    "claim": claim,
    "sick": sick,
}


def main() -> int:
    """Measure and print."""
    options = parser("bench.polling", __doc__, ROWS).parse_args()
    with (
        stage(threads=1, durable=not options.quick) as on,
        on.carrier() as carrier,
        on.subscriber() as subscriber,
    ):
        sizes = QUICK if options.quick else Sizes()
        run = Run(on, carrier, subscriber, sizes, 1 if options.quick else options.rounds)
        tables = measured(ROWS, options.rows, run)
    tell(tables, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
