"""The claims of deliveries: taking what is due, renewing leases, giving back. Times are the database's."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from uuid_utils.compat import uuid7

from webhooks import extra, lanes
from webhooks.loading import load
from webhooks.models import Endpoint
from webhooks.paces import Pace
from webhooks.tallying import counting

#: Tries cut off by the sender's own death that cost no step of the schedule.
FORGIVEN = 3

#: Records the claimed tries of the deliveries that follow after it, which were cut off.
ABANDON = """
    INSERT INTO webhooks_attempt
        (id, delivery_id, number, trigger, started_at, error, response_body, response_headers, address)
    SELECT gen_random_uuid(), id, attempt_count, trigger, started_at, 'abandoned', '', '{}', ''
"""

# One that a lane took over from an extra try leaves that one to be made again, cut off once more.
_TAKE_OVER = f"""
WITH cut_off AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(rows)s) AS (
        id uuid, endpoint_id uuid, claim_id uuid, attempt_count integer, started_at timestamptz, trigger text)
),
abandoned AS ({ABANDON} FROM cut_off),
ended AS (SELECT endpoint_id, 'abandoned' AS error, NULL::integer AS duration_ms FROM cut_off),
counted AS ({counting("ended")})
UPDATE webhooks_extratry x SET claim_id = NULL, abandoned_count = x.abandoned_count + 1
FROM cut_off c WHERE x.delivery_id = c.id AND x.claim_id = c.claim_id
"""  # noqa: S608 - constants only

# A lease that has run out is not renewed, though nobody took it over: its place in the lane may be taken.
_RENEW = """
UPDATE webhooks_delivery d SET claimed_until = clock_timestamp() + %(lease)s * interval '1 second'
FROM unnest(%(deliveries)s::uuid[], %(claims)s::uuid[]) AS ours (delivery, claim)
WHERE d.id = ours.delivery AND d.claim_id = ours.claim AND d.claimed_until >= clock_timestamp()
RETURNING d.id
"""

# A number that somebody has gone past is not used again.
_GIVE_BACK = """
UPDATE webhooks_delivery d
SET claim_id = NULL, claimed_until = NULL,
    attempt_count = CASE WHEN d.attempt_count = ours.number THEN ours.number - 1 ELSE d.attempt_count END
FROM unnest(%(deliveries)s::uuid[], %(claims)s::uuid[], %(numbers)s::integer[])
    AS ours (delivery, claim, number)
WHERE d.id = ours.delivery AND d.claim_id = ours.claim
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours to send, try `number`, until the lease ends.

    The endpoint comes without its secrets where they do not decrypt (`webhooks.loading`).
    `spent`: do not send it, its last try was cut off once too often; settle it as abandoned.
    `trigger` is one of `Trigger`; `is_extra`: the try is none of the schedule (`webhooks.extra`).
    """

    claim_id: UUID
    endpoint: Endpoint
    is_extra: bool
    delivery_id: UUID
    message_id: UUID
    number: int
    step: int
    started_at: datetime
    spent: bool
    trigger: str
    type: str
    stream: UUID
    sequence: int
    body: bytes


def take(limit: int, paces: Sequence[Pace] = tuple(Pace)) -> list[Claimed]:
    """Claim up to `limit` deliveries, what was asked for first, then the longest due, in a short transaction.

    Those of the first of `paces` come first; what was asked for goes at the pace of first tries.

    No endpoint gets more than its `max_in_flight` at once and its `rate_limit` in a second, extra tries
    aside. The try counts from here on. A delivery whose lease has run out is taken over: its cut-off try is
    recorded as abandoned. A constant number of statements. Raises InvalidToken, and claims nothing, where our
    keys open no endpoint's secrets.
    """
    claim = uuid7()
    values = {"claim": claim, "lease": settings.DELIVERY_LEASE, "forgiven": FORGIVEN}
    with transaction.atomic(), connection.cursor() as cursor:
        asked = extra.take(cursor, -(-limit // 2), values) if Pace.FIRST in paces else []
        due: list[tuple[Any, ...]] = []
        for pace in paces:
            left = limit - len(asked) - len(due)
            due += lanes.take(cursor, left, values, pace) if left else []
        rows = asked + due
        cut_off = [row for row in rows if row[12] and not row[6]]
        if cut_off:
            cursor.execute(_TAKE_OVER, {"rows": json.dumps([_cut_off(row) for row in cut_off])})
        # Read within the claim: wrong keys undo it, and no try is spent on them.
        endpoints = load({row[0] for row in rows}) if rows else {}
    return [Claimed(claim, endpoints[row[0]], nth < len(asked), *row[1:12]) for nth, row in enumerate(rows)]


def oldest_due(paces: Sequence[Pace] = tuple(Pace)) -> datetime | None:
    """Since when the first of what a claim would find now has been waiting; None: it would find nothing."""
    asked = extra.oldest_asked(FORGIVEN) if Pace.FIRST in paces else None
    moments = (lanes.oldest_due(paces), asked)
    return min((moment for moment in moments if moment), default=None)


def renew(claimed: Sequence[Claimed]) -> set[UUID]:
    """Prolong those of these leases that still hold. Returns their deliveries."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, _named(claimed) | {"lease": settings.DELIVERY_LEASE})
        return {row[0] for row in cursor.fetchall()}


def give_back(claimed: Sequence[Claimed]) -> None:
    """Undo these claims, except that a cut-off try before them stays recorded: they were not sent."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, _named(claimed) | {"numbers": [each.number for each in claimed]})


def _named(claimed: Sequence[Claimed]) -> dict[str, Any]:
    return {
        "deliveries": [each.delivery_id for each in claimed],
        "claims": [each.claim_id for each in claimed],
    }


def _cut_off(row: Sequence[Any]) -> dict[str, object]:
    old_claim, number, started_at, trigger = row[12:16]
    return {
        "id": str(row[1]),
        "endpoint_id": str(row[0]),
        "claim_id": str(old_claim),
        "attempt_count": number,
        "started_at": started_at.isoformat(),
        "trigger": trigger,
    }
