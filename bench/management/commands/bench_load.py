"""`manage.py bench_load TRACKERS`: many trackers of 50 merchants, with their logs, messages and deliveries.

A few parcels are written as the product writes them and then multiplied in the database: each copy has its
log, its state, its watch, a message, a delivery and a try. They were made over the last thirty days, the
oldest first.
"""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand
from django.db import connection

from accounts.models import Merchant
from bench.cast import SCANS, follow
from bench.filling import filling
from carriers.models import CarrierAccount
from trackers.models import Tracker
from webhooks.registering import register

_MERCHANTS = 50  # unless the command says another number
_ENDPOINTS_OF_EACH = 4
_CHUNK = 10_000
_TABLES = (
    "trackers_tracker",
    "trackers_watch",
    "events_event",
    "webhooks_message",
    "webhooks_delivery",
    "webhooks_attempt",
)
_DAYS = 30
#: What a copy has of its own, by column.
_OVERRIDES = {
    "id": "clone.id",
    "merchant_id": "clone.merchant",
    "tracking_number": "'LOAD' || lpad(clone.nth::text, 9, '0')",
    "client_tracker_id": "'load-' || clone.nth",
    "digest": "'load ' || clone.nth",
    "created_at": "clone.at",
    "updated_at": "clone.at",
    "news_at": "clone.at",
    "milestone_at": "clone.at",
}
_CLONES = """
SELECT nth, ('20000000-0000-7000-8000-' || lpad(to_hex(nth), 12, '0'))::uuid AS id,
    (%(templates)s::uuid[])[nth %% cardinality(%(templates)s::uuid[]) + 1] AS template,
    (%(merchants)s::uuid[])[nth %% cardinality(%(merchants)s::uuid[]) + 1] AS merchant,
    now() - %(age)s * interval '1 day' AS at
FROM generate_series(%(first)s, %(last)s) AS nth
"""
# Ids tell their moments, as those that are made one after the other do (PostgreSQL 18).
_WATCHES = """
INSERT INTO trackers_watch (id, tracker_id, merchant_id, courier, carrier_account_id, refused_account_ids,
    next_poll_at, last_polled_at, last_outcome, urgency, failures, set_aside, ignored, absent)
SELECT uuidv7(clone.at - now()), clone.id, clone.merchant, 'all24',
    (SELECT id FROM carriers_carrieraccount WHERE merchant_id = clone.merchant), '{{}}',
    now() + interval '2 hours' + random() * interval '6 hours', now() - random() * interval '6 hours',
    'ok', 3, 0, 0, 0, '{{}}'
FROM ({clones}) AS clone
"""
# The log has no index while it is filled.
_TEMPLATES = """
CREATE TEMPORARY TABLE template_event AS SELECT * FROM events_event WHERE stream = ANY(%s)
"""
_EVENTS = """
INSERT INTO events_event (id, merchant_id, stream, version, type, occurred_at, recorded_at, key, data)
SELECT uuidv7(clone.at - now()), clone.merchant, clone.id, event.version, event.type, event.occurred_at,
    clone.at, event.key, event.data
FROM ({clones}) AS clone JOIN template_event AS event ON event.stream = clone.template
ORDER BY clone.nth, event.version
"""
_TOLD = """
WITH told AS MATERIALIZED (
    SELECT clone.id AS stream, clone.merchant, clone.at, uuidv7(clone.at - now()) AS message,
        uuidv7(clone.at - now()) AS delivery, (
            SELECT id FROM webhooks_endpoint WHERE merchant_id = clone.merchant
            ORDER BY id OFFSET clone.nth / {merchants} %% {endpoints} LIMIT 1) AS endpoint
    FROM ({clones}) AS clone
),
messages AS (
    INSERT INTO webhooks_message (id, merchant_id, type, stream, sequence, body, created_at)
    SELECT message, merchant, 'tracking.delivered', stream, 12, convert_to(repeat('x', 1000), 'UTF8'), at
    FROM told
),
deliveries AS (
    INSERT INTO webhooks_delivery
        (id, message_id, endpoint_id, state, attempt_count, created_at, delivered_at)
    SELECT delivery, message, endpoint, 'delivered', 1, at, at FROM told
)
INSERT INTO webhooks_attempt (id, delivery_id, number, trigger, started_at, duration_ms, status_code, error,
    response_body, response_headers, address)
SELECT uuidv7(at - now()), delivery, 1, 'schedule', at, 20, 200, '', 'ok', '{{}}', '192.0.2.1' FROM told
"""


class Command(BaseCommand):
    help = "Fill the database with trackers of 50 merchants, ten events each on average."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("trackers", type=int)
        parser.add_argument("--merchants", type=int, default=_MERCHANTS)

    def handle(self, *args: object, trackers: int, merchants: int, **options: object) -> None:
        ids = [_merchant(nth) for nth in range(merchants)]
        templates = _templates()
        with connection.cursor() as cursor:
            cursor.execute(_TEMPLATES, [templates])
            with filling(cursor, _TABLES):
                for first in range(0, trackers, _CHUNK):
                    values = {
                        "merchants": ids,
                        "templates": templates,
                        "first": first,
                        "last": min(first + _CHUNK, trackers) - 1,
                        "age": _DAYS * (1 - first / trackers),
                    }
                    _load(cursor, values)
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("VACUUM ANALYZE")  # as autovacuum does within the first minutes


def _merchant(nth: int) -> UUID:
    merchant = Merchant.objects.create(name=f"Loaded {nth}")
    CarrierAccount.objects.create(courier="all24", merchant=merchant, key="key")
    for one in range(_ENDPOINTS_OF_EACH):
        url = f"https://subscriber-{one}.example.org/{nth}"
        wishes = {"url": url, "types": ["*"], "couriers": [], "headers": {}, "signature": "v1"}
        register(merchant.id, wishes)
    return merchant.id


def _templates() -> list[UUID]:
    """Parcels that have come differently far: 6 to 10 scans, ten events each on average."""
    merchant = Merchant.objects.create(name="Loaded first")
    for nth, scans in enumerate(range(SCANS - 4, SCANS + 1)):
        follow(merchant, [nth], scans)
    return list(Tracker.objects.filter(merchant=merchant).order_by("id").values_list("id", flat=True))


def _load(cursor: Any, values: dict[str, Any]) -> None:
    columns = [str(field.column) for field in Tracker._meta.concrete_fields]  # noqa: SLF001 (Django's name)
    cloned = ", ".join(_OVERRIDES.get(column, f"template.{column}") for column in columns)
    cursor.execute(
        f"INSERT INTO trackers_tracker ({', '.join(columns)}) SELECT {cloned} "  # noqa: S608 - our own words
        f"FROM ({_CLONES}) AS clone JOIN trackers_tracker AS template ON template.id = clone.template",
        values,
    )
    cursor.execute(_WATCHES.format(clones=_CLONES), values)
    cursor.execute(_EVENTS.format(clones=_CLONES), values)
    told = _TOLD.format(clones=_CLONES, merchants=len(values["merchants"]), endpoints=_ENDPOINTS_OF_EACH)
    cursor.execute(told, values)
