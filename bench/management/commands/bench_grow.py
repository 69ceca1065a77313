"""`manage.py bench_grow`: what `bench.growth` times. Each line of stdin asks, a line of stdout answers.

- `due`: make polls and deliveries due; the answer is `null`.
- `COUNT NAME`: do that work so often; JSON lists of its milliseconds, and of the pages it looked at.
"""

import json
import sys
import time

from django.core.management.base import BaseCommand

from bench.growth.counting import pages
from bench.growth.works import Work, Works, settle
from config.collecting import look_seldom


class Command(BaseCommand):
    help = "Time what the product does over a full database, as the lines of stdin ask."
    requires_system_checks = ()

    def handle(self, *args: object, **options: object) -> None:
        works = Works()
        look_seldom()  # as a worker process does
        named = works.named()
        settle()
        self._tell("ready")
        for line in sys.stdin:
            count, _, name = line.strip().partition(" ")
            if count == "due":
                works.make_due()
                self._tell(None)
            else:
                self._tell([_timed(named[name]) for _ in range(int(count))])

    def _tell(self, answer: object) -> None:
        self.stdout.write(json.dumps(answer))
        self.stdout.flush()


def _timed(work: Work) -> tuple[float, int, int]:
    """Milliseconds, pages found in PostgreSQL's buffers, and pages asked of the system."""
    made = work.before()
    found, asked = pages()
    began = time.perf_counter()
    given = work.run(made)
    took = time.perf_counter() - began
    found_now, asked_now = pages()
    work.after(given)
    return took * 1000, found_now - found, asked_now - asked
