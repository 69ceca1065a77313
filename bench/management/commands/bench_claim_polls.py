"""`manage.py bench_claim_polls TRACKERS`: how long claims of polls take. Each line of stdin asks for so many.

Makes the trackers first, on 50 accounts, one in ten of them due, of every urgency. The answer to a line is a
JSON list of the seconds of as many claims of 100, each given back.
"""

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand
from django.db import connection

from accounts.models import Merchant
from carriers.models import CarrierAccount
from trackers.claims import Claim, claim

_LIMIT = 100
_ACCOUNTS = 50

_TRACKERS = """
INSERT INTO trackers_tracker (id, merchant_id, created_at, tracking_number, courier_codes,
    restrict_to_couriers, is_subscribed, digest, version, milestone, final, state)
SELECT ('10000000-0000-7000-8000-' || lpad(to_hex(nth), 12, '0'))::uuid,
    (%(merchants)s::uuid[])[nth %% 50 + 1], now() - interval '3 days', 'HS' || nth, '{all24}',
    false, true, 'bench ' || nth, 1, 'in_transit', false, '{"scans": []}'
FROM generate_series(0, %(trackers)s - 1) AS nth
"""
_WATCHES = """
INSERT INTO trackers_watch (id, tracker_id, merchant_id, courier, carrier_account_id, refused_account_ids,
    next_poll_at, urgency, failures, set_aside, ignored, absent)
SELECT gen_random_uuid(), id, merchant_id, 'all24',
    (%(accounts)s::uuid[])[array_position(%(merchants)s::uuid[], merchant_id)], '{}',
    CASE WHEN random() < 0.1 THEN now() - random() * interval '1 hour'
        ELSE now() + interval '1 hour' + random() * interval '1 day' END,
    floor(random() * 4), 0, 0, 0, '{}'
FROM trackers_tracker
"""
_GIVE_BACK = "UPDATE trackers_watch SET claim_id = NULL, claimed_until = NULL WHERE id = ANY(%s)"


class Command(BaseCommand):
    help = "Time the claims of polls that are due, as the lines of stdin ask."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("trackers", type=int)

    def handle(self, *args: object, trackers: int, **options: object) -> None:
        _make(trackers)
        self.stdout.write("made")
        self.stdout.flush()
        for line in sys.stdin:
            self.stdout.write(json.dumps([_seconds() for _ in range(int(line))]))
            self.stdout.flush()


def _make(trackers: int) -> None:
    merchants: list[UUID] = []
    accounts: list[UUID] = []
    for nth in range(_ACCOUNTS):
        merchant = Merchant.objects.create(name=f"Bench {nth}")
        merchants.append(merchant.id)
        accounts.append(CarrierAccount.objects.create(courier="all24", merchant=merchant, key="key").id)
    values: dict[str, Any] = {"merchants": merchants, "accounts": accounts, "trackers": trackers}
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(_TRACKERS, values)
        cursor.execute(_WATCHES, values)
        cursor.execute("VACUUM ANALYZE")  # as autovacuum does within the first minute


def _seconds() -> float:
    began = time.perf_counter()
    taken: list[Claim] = claim(_LIMIT)
    elapsed = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, [[one.watch for one in taken]])
    if len(taken) != _LIMIT:
        raise RuntimeError(f"{len(taken)} claimed instead of {_LIMIT}")
    return elapsed
