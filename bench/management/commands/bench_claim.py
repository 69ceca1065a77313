"""`manage.py bench_claim`: how long claims take. Each line of stdin asks, a line of stdout answers.

- `time N`: N claims of 100, each given back; a JSON list of their seconds.
- `hold`: one claim that stays; the number of deliveries it took.
"""

import json
import sys
import time

from django.core.management.base import BaseCommand

from webhooks import claims

_LIMIT = 100


class Command(BaseCommand):
    help = "Time the claims of what is due, as the lines of stdin ask."
    requires_system_checks = ()

    def handle(self, *args: object, **options: object) -> None:
        for line in sys.stdin:
            match line.split():
                case ["time", count]:
                    self.stdout.write(json.dumps([_seconds() for _ in range(int(count))]))
                case ["hold"]:
                    self.stdout.write(str(len(claims.take(_LIMIT))))
            self.stdout.flush()


def _seconds() -> float:
    """Not in a transaction that is rolled back: statements are prepared outside of transactions only."""
    began = time.perf_counter()
    taken = claims.take(_LIMIT)
    elapsed = time.perf_counter() - began
    claims.give_back(taken)
    if len(taken) != _LIMIT:
        raise RuntimeError(f"{len(taken)} claimed instead of {_LIMIT}")
    return elapsed
