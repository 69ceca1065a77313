"""`manage.py bench_arrive`: news at a steady rate, committed in small transactions, as polls do."""

import sys
import threading
import time
from argparse import ArgumentParser
from itertools import cycle
from uuid import UUID

from django.core.management.base import BaseCommand
from django.db import transaction
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from bench.bodies import BODY
from webhooks import tasks
from webhooks.fanout import Announcement, announce, subscribers
from webhooks.models import Endpoint

#: Messages of one transaction; each goes to every endpoint of its merchant.
_MESSAGES = 2


class Command(BaseCommand):
    help = (
        "Say when it is ready, wait for a line, announce until stdin ends; then print each message's id "
        "and the moment just before its commit, of the machine's monotonic clock."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("rate", type=float, help="deliveries a second")

    def handle(self, *args: object, rate: float, **options: object) -> None:
        merchants = list(Merchant.objects.order_by("id").values_list("id", flat=True))
        each = Endpoint.objects.count() / len(merchants)
        ended = threading.Event()
        self.stdout.write("ready")
        self.stdout.flush()
        sys.stdin.readline()
        threading.Thread(target=_set_at_the_end, args=[ended], daemon=True).start()
        committed: list[tuple[UUID, float]] = []
        pause = _MESSAGES * each / rate
        due = time.monotonic()
        # One that comes late is not left out: the rate holds on the whole.
        for merchant_id in cycle(merchants):
            if ended.wait(max(0.0, due - time.monotonic())):
                break
            committed += _tell(merchant_id)
            due += pause
        for id_, moment in committed:
            self.stdout.write(f"{id_} {moment:.6f}")


def _set_at_the_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def _tell(merchant_id: UUID) -> list[tuple[UUID, float]]:
    news = [Announcement(uuid7(), "tracking.updated", uuid7(), 1, (), lambda: BODY) for _ in range(_MESSAGES)]
    with transaction.atomic():
        announce(merchant_id, subscribers([merchant_id]), news)
        transaction.on_commit(tasks.nudge, robust=True)
        moment = time.monotonic()
    return [(each.id, moment) for each in news]
