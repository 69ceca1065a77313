"""What is held for too long is given up, and the merchant's other endpoints are told."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from events.retrying import once_more
from events.writing import written
from webhooks.cutting_off import ABANDON
from webhooks.facts import DeliveryExhausted
from webhooks.filters import is_about_parcel
from webhooks.health import KEPT_HELD
from webhooks.news import News, lock, tell

#: Deliveries given up at a time: each is told to any number of endpoints, while others wait to record.
BATCH = 50

# An endpoint that was paused and then disabled has been inactive since the first of the two.
_INACTIVE_SINCE = "least(e.paused_at, e.disabled_at)"
# An extra try that was cut off is first taken over by the next, which goes out whatever the endpoint's state.
_OLD = """
    d.state = 'held' AND d.trigger <> 'test' AND d.created_at <= statement_timestamp() - %(kept)s
    AND (d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())
    AND NOT EXISTS (SELECT FROM webhooks_extratry x WHERE x.delivery_id = d.id AND x.claim_id = d.claim_id)
"""
_RESTING = f"""
    e.state <> 'active' AND e.deleted_at IS NULL AND {_INACTIVE_SINCE} <= statement_timestamp() - %(kept)s
"""
# By the index of age: what is not due to go yet is not read, nor what is, beyond the batch.
_FIND = f"""
SELECT e.merchant_id, slot.id FROM webhooks_endpoint e
CROSS JOIN LATERAL (
    SELECT d.id FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND {_OLD}
    ORDER BY d.created_at, d.id LIMIT %(limit)s
) AS slot
WHERE {_RESTING} LIMIT %(limit)s
"""  # noqa: S608 - constants only
_GIVE_UP = f"""
WITH old AS MATERIALIZED (
    SELECT d.id, d.attempt_count, d.trigger, d.started_at, d.claim_id IS NOT NULL AS cut_off,
           {_INACTIVE_SINCE} AS since
    FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
    WHERE d.id = ANY (%(deliveries)s) AND {_OLD} AND {_RESTING}
    FOR NO KEY UPDATE OF d SKIP LOCKED
),
abandoned AS ({ABANDON} FROM old WHERE cut_off),
given_up AS (
    UPDATE webhooks_delivery d
    SET state = 'exhausted', claim_id = NULL, claimed_until = NULL, given_up_at = clock_timestamp(),
        abandoned_count = d.abandoned_count + old.cut_off::int
    FROM old WHERE d.id = old.id
    RETURNING d.id, d.endpoint_id, d.message_id, d.attempt_count, old.since, old.cut_off
)
SELECT g.endpoint_id, g.id, m.id, m.type, m.stream, m.sequence, g.attempt_count,
       CASE WHEN g.cut_off THEN 'abandoned' ELSE coalesce(last.error, '') END,
       CASE WHEN NOT g.cut_off THEN last.status_code END, g.since
FROM given_up g
JOIN webhooks_message m ON m.id = g.message_id
LEFT JOIN LATERAL (
    SELECT a.error, a.status_code FROM webhooks_attempt a WHERE a.delivery_id = g.id
    ORDER BY a.number DESC LIMIT 1
) AS last ON TRUE
ORDER BY g.id
"""  # noqa: S608 - constants only


def expire(limit: int = BATCH) -> int:
    """Give up one batch of what was held for 30 days at an endpoint that was not active. Returns how many.

    A transaction for each merchant: what is given up and what is told of it are one. Held since the later of
    two: its own making, and the end of its endpoint's activity.
    """
    values: dict[str, Any] = {"kept": KEPT_HELD, "limit": limit}
    found: dict[UUID, list[UUID]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_FIND, values)
        for merchant_id, delivery_id in cursor.fetchall():
            found[merchant_id].append(delivery_id)
    return sum(once_more(partial(_give_up, merchant_id, ids)) for merchant_id, ids in found.items())


def _give_up(merchant_id: UUID, deliveries: Sequence[UUID]) -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            values: dict[str, Any] = {"kept": KEPT_HELD, "deliveries": list(deliveries)}
            cursor.execute(_GIVE_UP, values)
            rows = cursor.fetchall()
        lock({row[0] for row in rows})
        tell(merchant_id, [_exhausted(*row) for row in rows])
    return len(rows)


def _exhausted(endpoint_id: UUID, delivery_id: UUID, message_id: UUID, kind: str, *more: Any) -> News:
    stream, sequence, attempt_count, error, status_code, since = more
    fact = DeliveryExhausted(
        webhook_id=str(endpoint_id),
        delivery_id=str(delivery_id),
        message_id=str(message_id),
        message_type=kind,
        tracker_id=str(stream) if is_about_parcel(kind) else None,
        sequence=sequence,
        attempt_count=attempt_count,
        error=error,
        status_code=status_code,
        held_since=written(since),
    )
    # Two dead endpoints would otherwise tell each other for ever that they cannot be told.
    return News(endpoint_id, fact, silent=kind == DeliveryExhausted.type)
