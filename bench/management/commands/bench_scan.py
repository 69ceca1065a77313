"""`manage.py bench_scan`: carriers have news of parcels at a steady rate; each poll is asked for at once."""

import sys
import time
from collections.abc import Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from random import Random

from django.core.management.base import BaseCommand
from django.db import connection

from trackers.asking import poll_now
from trackers.models import Tracker

#: Callers at once, as a web has threads.
_THREADS = 8
#: Longer than any bench runs.
_LATER = "UPDATE trackers_watch SET next_poll_at = now() + interval '1 day'"


class Command(BaseCommand):
    help = (
        "Put off all polls and say that it is ready; at each line of stdin, a rate and a count, ask for "
        "polls of so many parcels that were not asked for yet, and print a line each of its id and the "
        "moment at which the carrier had news, of the machine's monotonic clock; then `done`."
    )
    requires_system_checks = ()

    def handle(self, *args: object, **options: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_LATER)
        mixed = list(Tracker.objects.order_by("id"))
        Random(1).shuffle(mixed)  # of all accounts in no order  # noqa: S311
        parcels = iter(mixed)
        self._tell(["ready"])
        with ThreadPoolExecutor(_THREADS) as callers:
            for line in sys.stdin:
                rate, count = line.split()
                self._tell([*_ask(callers, parcels, float(rate), int(count)), "done"])

    def _tell(self, lines: Iterable[str]) -> None:
        self.stdout.write("\n".join([*lines, ""]))
        self.stdout.flush()


def _ask(callers: Executor, parcels: Iterable[Tracker], rate: float, count: int) -> list[str]:
    """The news is there when it is due, however late we come to ask: what waits for us has waited."""
    began = time.monotonic()
    told, asked = [], []
    for nth, tracker in zip(range(count), parcels, strict=False):
        moment = began + nth / rate
        time.sleep(max(0.0, moment - time.monotonic()))
        asked.append(callers.submit(poll_now, tracker))
        told.append(f"{tracker.id} {moment:.6f}")
    for one in asked:
        one.result()
    return told
