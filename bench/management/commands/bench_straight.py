"""`manage.py bench_straight`: one client of PostgreSQL that does what a worker does there, and nothing else.

Each line of stdin asks, a line of stdout answers.

- `owe N`: endpoints of one merchant, with so many deliveries that are due.
- `follow N`: so many parcels of one merchant are claimed and their answers parsed: five new scans each.
- `send`: claim deliveries and settle them as answered with 204, until none is due.
- `record`: record the answers that `follow` has parsed, a hundred in a batch.

The last two answer with a JSON object: how many, and the moments of the machine's monotonic clock at which
they began and ended.
"""

import json
import sys
import time
from collections.abc import Sequence

from django.core.management import call_command
from django.core.management.base import BaseCommand

from bench.polling import parcels
from config.collecting import look_seldom
from trackers.learned import Polled
from trackers.recording import record
from webhooks.claims import Claimed, take
from webhooks.exchanges import Result
from webhooks.pump import BATCH
from webhooks.settling import settle

_EACH, _SCANS = 100, 5
#: Endpoints of one client's merchant.
_ENDPOINTS = 50


class Command(BaseCommand):
    help = "Claim and settle, or record, as the lines of stdin ask."

    def handle(self, *args: object, **options: object) -> None:
        look_seldom()  # as a worker process does
        desk = _Desk()
        for line in sys.stdin:
            match line.split():
                case ["owe", count, name]:
                    told: object = _owe(int(count), name)
                case ["follow", count]:
                    told = desk.follow(int(count))
                case ["send"]:
                    told = _send()
                case ["record"]:
                    told = desk.record()
                case words:
                    raise ValueError(f"not a question: {words}")
            self.stdout.write(json.dumps(told))
            self.stdout.flush()


class _Desk:
    def __init__(self) -> None:
        self._merchant = parcels.merchant(own_account=True)
        self._learned: list[Polled] = []

    def follow(self, count: int) -> str:
        trackers = parcels.follow(self._merchant.id, count)
        self._learned = [
            parcels.learned(one, parcels.answer(one.number, _SCANS), own_account=True)
            for one in parcels.claimed(trackers)
        ]
        return "ready"

    def record(self) -> dict[str, float]:
        began = time.monotonic()
        for first in range(0, len(self._learned), _EACH):
            record(self._merchant.id, self._learned[first : first + _EACH])
        return {"count": len(self._learned), "began": began, "ended": time.monotonic()}


def _owe(count: int, name: str) -> str:
    url = f"http://127.0.0.1:1/{name}/{{}}"
    call_command("bench_owe", url, str(count), merchants=1, each=_ENDPOINTS)
    return "ready"


def _send() -> dict[str, float]:
    """As the pump does: a claim, and a settling of as many."""
    count, began = 0, time.monotonic()
    while claims := take(BATCH):
        settle(_answered(claims))
        count += len(claims)
    return {"count": count, "began": began, "ended": time.monotonic()}


def _answered(claims: Sequence[Claimed]) -> list[tuple[Claimed, Result]]:
    return [(one, Result(one.delivery_id, None, 204, 1, b"", {}, "127.0.0.1")) for one in claims]
