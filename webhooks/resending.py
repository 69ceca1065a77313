"""Every stored message of a parcel, sent again to its merchant's active endpoints."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from uuid_utils.compat import uuid7

from events.conflicts import or_conflict
from webhooks import tasks
from webhooks.erasing import ANSWERS_KEPT
from webhooks.exceptions import NoActiveEndpoint
from webhooks.fanout import Subscriber, subscribers
from webhooks.filters import wants
from webhooks.paces import Pace

# A merchant that leaves, and one that erases, waits for this, and what it has is not added to afterwards.
_STORED = """
WITH staying AS MATERIALIZED (
    SELECT id FROM accounts_merchant WHERE id = %(merchant)s AND deleted_at IS NULL FOR SHARE
)
SELECT clock_timestamp(), coalesce(min(sequence), 0), coalesce(array_agg(DISTINCT type), '{}'),
       (SELECT count(*) > 0 FROM staying)
FROM webhooks_message WHERE stream = %(stream)s AND merchant_id = %(merchant)s
"""

# A lane is sent by due time: microseconds keep the parcel's order, the oldest message first. None is earlier
# than what is under way, which the lane's cap counts on.
_DUE = "%(now)s + (m.sequence - %(first)s) * interval '1 microsecond'"

# One that somebody is sending, or that another resend holds at this moment, is left alone. What becomes due
# by this is late; what was due anyway goes as it would.
_AGAIN = f"""
WITH again AS MATERIALIZED (
    SELECT d.id, {_DUE} AS due
    FROM webhooks_message m JOIN webhooks_delivery d ON d.message_id = m.id
    WHERE m.stream = %(stream)s AND m.merchant_id = %(merchant)s AND d.endpoint_id = ANY (%(endpoints)s)
      AND d.state IN ('pending', 'delivered', 'exhausted') AND d.claim_id IS NULL
    FOR NO KEY UPDATE OF d SKIP LOCKED
)
UPDATE webhooks_delivery d
SET state = 'pending', next_attempt_at = least(d.next_attempt_at, again.due), delivered_at = NULL,
    late = d.late OR d.next_attempt_at IS NULL OR d.next_attempt_at > again.due,
    step = CASE WHEN d.state = 'pending' THEN d.step ELSE 0 END,
    abandoned_count = CASE WHEN d.state = 'pending' THEN d.abandoned_count ELSE 0 END,
    trigger = CASE WHEN d.state = 'pending' THEN d.trigger ELSE 'manual' END
FROM again WHERE d.id = again.id
"""  # noqa: S608 - constants only

# In one order, so that two resends that add the same cannot wait for each other in a circle. A message that
# retention has removed meanwhile is left out, one that is locked here stays.
_MISSING = """
SELECT m.id, wanted.endpoint
FROM unnest(%(wanting)s::uuid[], %(types)s::text[]) AS wanted (endpoint, type)
JOIN webhooks_message m ON m.type = wanted.type
WHERE m.stream = %(stream)s AND m.merchant_id = %(merchant)s AND NOT EXISTS (
    SELECT FROM webhooks_delivery d WHERE d.message_id = m.id AND d.endpoint_id = wanted.endpoint)
ORDER BY m.sequence, m.id, wanted.endpoint
"""
_ADD = f"""
INSERT INTO webhooks_delivery
    (id, message_id, endpoint_id, state, next_attempt_at, late, trigger, answers_kept)
SELECT new.id, m.id, new.endpoint, 'pending', {_DUE}, TRUE, 'manual', {ANSWERS_KEPT}
FROM jsonb_to_recordset(%(rows)s) AS new (id uuid, message uuid, endpoint uuid)
JOIN webhooks_message m ON m.id = new.message
ORDER BY m.sequence, m.id, new.endpoint FOR KEY SHARE OF m
ON CONFLICT (message_id, endpoint_id) DO NOTHING
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a parcel's merchant was told of it: the first sequence and the types, as of now.

    `staying` is false of a merchant that was deleted.
    """

    now: datetime
    first: int
    types: Sequence[str]
    staying: bool


def resend(merchant_id: UUID, tracker_id: UUID, couriers: Sequence[str]) -> int:
    """Owe every stored message of this tracker once more, due now; five statements at most.

    A delivery that has ended begins a fresh run of its endpoint's schedule: the same id and bytes, its tries
    kept and counted on. One that waits for its next try is only brought forward, one under way is left alone.
    An active endpoint that wants a message (about `couriers`) it never had, gets a delivery of it.

    Returns the number of deliveries that are due because of it. Raises NoActiveEndpoint, and ApiError 409
    `request_conflict`.
    """
    return or_conflict(partial(_resend, merchant_id, tracker_id, tuple(couriers)))


def _resend(merchant_id: UUID, tracker_id: UUID, couriers: Sequence[str]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        values: dict[str, Any] = {"stream": tracker_id, "merchant": merchant_id}
        cursor.execute(_STORED, values)
        stored = _Stored(*cursor.fetchone())
        active = [one for one in subscribers([merchant_id]).of(merchant_id) if one.active]
        if not (active and stored.staying):
            raise NoActiveEndpoint
        values |= {"now": stored.now, "first": stored.first, "endpoints": [one.id for one in active]}
        cursor.execute(_AGAIN, values)
        count: int = cursor.rowcount
        cursor.execute(_MISSING, values | _wanted(active, stored.types, couriers))
        missing = cursor.fetchall()
        if missing:
            cursor.execute(_ADD, values | {"rows": _rows(missing)})
            count += cursor.rowcount
        if count:
            transaction.on_commit(partial(tasks.nudge, Pace.LATE), robust=True)
    return count


def _wanted(active: Iterable[Subscriber], types: Sequence[str], couriers: Sequence[str]) -> dict[str, Any]:
    """Which of the endpoints wants which of the types, as two columns."""
    pairs = [
        (one.id, kind) for one in active for kind in types if wants(one.types, one.couriers, kind, couriers)
    ]
    return {"wanting": [id_ for id_, _ in pairs], "types": [kind for _, kind in pairs]}


def _rows(missing: Iterable[tuple[UUID, UUID]]) -> str:
    return json.dumps(
        [{"id": str(uuid7()), "message": str(message), "endpoint": str(to)} for message, to in missing]
    )
