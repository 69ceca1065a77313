"""Tries besides the schedule, by hand or as a test: one of a delivery at a time, whatever its state.

Whoever makes one holds the delivery's own claim. One is under way at an endpoint at most, whatever else is,
and no cap and no rate limit holds it up.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from webhooks.cutting_off import TAKEN_OVER
from webhooks.lanes import making, read
from webhooks.models import Trigger

_ASK = """
INSERT INTO webhooks_extratry (delivery_id, endpoint_id, trigger)
SELECT id, endpoint_id, %(trigger)s FROM webhooks_delivery WHERE id = %(delivery)s
ON CONFLICT (delivery_id) DO NOTHING
"""

_ARE_ASKED = "SELECT EXISTS (SELECT FROM webhooks_extratry)"

# A skip scan over the endpoints, and of each the first whose delivery nobody holds: a long queue of one
# costs the others nothing. A try of the schedule that was cut off once too often is left to the lane, which
# settles it, where there is one.
_FIRST = """
WITH RECURSIVE asking AS (
    (SELECT endpoint_id FROM webhooks_extratry ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT x.endpoint_id FROM webhooks_extratry x
        WHERE x.endpoint_id > asking.endpoint_id ORDER BY x.endpoint_id LIMIT 1
    )
    FROM asking WHERE asking.endpoint_id IS NOT NULL
),
first AS MATERIALIZED (
    SELECT e.id AS endpoint_id, l.xmin AS version, e.version AS endpoint_version, head.*
    FROM asking
    CROSS JOIN LATERAL (
        SELECT e.*, e.ctid::text || ':' || e.xmin::text AS version FROM webhooks_endpoint e
        WHERE e.id = asking.endpoint_id AND e.deleted_at IS NULL OFFSET 0
    ) AS e
    LEFT JOIN webhooks_lane l ON l.endpoint_id = e.id
    CROSS JOIN LATERAL (
        SELECT x.delivery_id, x.asked_at
        FROM webhooks_extratry x JOIN webhooks_delivery d ON d.id = x.delivery_id
        WHERE x.endpoint_id = e.id AND (d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())
          AND NOT (d.claim_id IS NOT NULL AND d.claim_id IS DISTINCT FROM x.claim_id
                   AND d.abandoned_count >= %(forgiven)s::integer
                   AND d.state = 'pending' AND e.state = 'active')
        ORDER BY x.asked_at, x.delivery_id LIMIT 1
    ) AS head
    WHERE NOT EXISTS (
        SELECT FROM webhooks_extratry x
        JOIN webhooks_delivery d ON d.id = x.delivery_id AND d.claim_id = x.claim_id
        WHERE x.endpoint_id = e.id AND x.claim_id IS NOT NULL AND d.claimed_until >= statement_timestamp()
    )
)"""

# The answer is one that `webhooks.lanes.read` takes. As there, whoever claims writes to the lane's row, and a
# lane written to meanwhile is left.
# `own`: this same try was cut off before; `spent`: once too often, so that it is settled as failed.
# `over`: the same, but it is recorded already; or it is a test that has ended: nothing is left to send.
TAKE = f"""{_FIRST},
ours AS MATERIALIZED (
    SELECT l.endpoint_id, first.delivery_id
    FROM webhooks_lane l
    JOIN first ON first.endpoint_id = l.endpoint_id AND first.version = l.xmin
    ORDER BY first.asked_at LIMIT %(limit)s::integer
    FOR NO KEY UPDATE OF l SKIP LOCKED
),
locked AS MATERIALIZED (
    SELECT d.id, d.endpoint_id, d.state, d.claim_id, d.attempt_count, d.started_at, d.trigger
    FROM webhooks_delivery d
    WHERE d.id = ANY (ARRAY(SELECT delivery_id FROM ours))
      AND (d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())
    FOR NO KEY UPDATE SKIP LOCKED
),
judged AS MATERIALIZED (
    SELECT l.*, x.trigger AS extra, coalesce(l.claim_id = x.claim_id, FALSE) AS own,
           x.abandoned_count >= %(forgiven)s::integer AS at_limit,
           x.abandoned_count > %(forgiven)s::integer AS over_limit
    FROM locked l JOIN webhooks_extratry x ON x.delivery_id = l.id
    FOR NO KEY UPDATE OF x SKIP LOCKED
),
start AS MATERIALIZED (
    SELECT id, extra, own, own AND at_limit AS spent, claim_id AS old_claim, attempt_count AS old_number,
           started_at AS old_start, CASE WHEN own THEN extra ELSE trigger END AS old_trigger
    FROM judged WHERE NOT (over_limit AND NOT own) AND (extra <> 'test' OR state = 'held')
),
over AS (
    DELETE FROM webhooks_extratry x USING judged j
    WHERE x.delivery_id = j.id AND j.id NOT IN (SELECT id FROM start)
),
claimed AS (
    UPDATE webhooks_extratry x
    SET claim_id = %(claim)s::uuid, abandoned_count = x.abandoned_count + CASE WHEN s.own THEN 1 ELSE 0 END
    FROM start s WHERE x.delivery_id = s.id
),
taken AS (
    UPDATE webhooks_delivery d
    SET claim_id = %(claim)s::uuid,
        claimed_until = clock_timestamp() + %(lease)s::float8 * interval '1 second',
        started_at = CASE WHEN s.spent THEN d.started_at ELSE clock_timestamp() END,
        attempt_count = d.attempt_count + CASE WHEN s.spent THEN 0 ELSE 1 END,
        abandoned_count = d.abandoned_count
            + CASE WHEN s.old_claim IS NOT NULL AND NOT s.own THEN 1 ELSE 0 END
    FROM start s WHERE d.id = s.id
    RETURNING d.id, d.endpoint_id, d.message_id, d.attempt_count, d.step, d.started_at, s.extra, s.spent,
              s.old_claim, s.old_number, s.old_start, s.old_trigger
),{TAKEN_OVER},
written AS (
    UPDATE webhooks_lane l SET claimed_through = l.claimed_through
    FROM taken t WHERE l.endpoint_id = t.endpoint_id
)
SELECT (SELECT count(*) FROM first WHERE version IS NULL), 0,
       (SELECT extract(epoch FROM statement_timestamp() - min(asked_at))::float8 FROM first),
       t.endpoint_id, t.id, t.message_id, t.attempt_count, t.step, t.started_at, t.spent, t.extra,
       m.type, m.stream, m.sequence, m.body, first.endpoint_version
FROM (VALUES (1)) AS always
LEFT JOIN (taken t JOIN first ON first.endpoint_id = t.endpoint_id
           JOIN webhooks_message m ON m.id = t.message_id) ON TRUE
"""  # noqa: S608 - constants only

_MAKE_LANES = f"{_FIRST} {making('first')}"

_OLDEST = f"{_FIRST} SELECT min(asked_at) FROM first"  # noqa: S608 - constants only


def ask(delivery_id: UUID, trigger: Trigger) -> None:
    """Ask for one more try of this delivery: one statement, in the caller's transaction.

    While one is asked for already, nothing more is. The caller nudges after the commit.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ASK, {"delivery": delivery_id, "trigger": trigger})


def take(limit: int, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Claim up to `limit` of what is asked for: one of an endpoint. `webhooks.claims` knows the columns.

    One statement where nothing is; two rounds where lanes were missing.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ARE_ASKED)
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(TAKE, {**values, "limit": limit})
        found = read(cursor.fetchall())
        if not found.without_lane:
            return found.rows
        cursor.execute(_MAKE_LANES, values)
        cursor.execute(TAKE, {**values, "limit": limit})
        return [*found.rows, *read(cursor.fetchall()).rows]


def oldest_asked(forgiven: int) -> datetime | None:
    """When the first was asked for of those that could be made now; None: there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST, {"forgiven": forgiven})
        found: datetime | None = cursor.fetchone()[0]
    return found
