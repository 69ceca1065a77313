"""Lanes: what each endpoint has due, how much of it may start now, and the claim of that, in one statement.

The cap is exact with any number of claimers. Whoever claims from a lane locks its row and writes to it; a
claimer that finds the row locked, or written since its own statement began, leaves the lane to the other and
comes back. So what a claimer counted as under way is all there is. Nobody waits for anybody.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from webhooks.ordering import WAITS_UNTIL
from webhooks.paces import Pace

#: Seconds of its rate that a lane which used up its tokens saves before it is looked at again: sends come in
#: small batches then, at the same rate, and no claimer is kept busy by single tokens.
SAVED = 0.25
#: Due deliveries of an ordered endpoint that are looked at beyond those that may start, since some of them
#: wait in turn: at first, and once that has been so.
AHEAD, FURTHER_AHEAD = 20, 500
#: How often one claim looks again at once because it found some that wait in turn.
ROUNDS = 10

#: The advisory lock's two keys: no other code of this database may use the first.
_LOCK = (0x106A, 0)


def making(found: str) -> str:
    """SQL that makes the lanes which are missing: `found` has their endpoints, and a `version` of null.

    It makes none while another does, whose end it would have to wait for.
    """
    return f"""
    INSERT INTO webhooks_lane (endpoint_id)
    SELECT endpoint_id FROM {found}
    WHERE version IS NULL AND pg_try_advisory_xact_lock({_LOCK[0]}, {_LOCK[1]})
    ON CONFLICT (endpoint_id) DO NOTHING
    """  # noqa: S608 - what callers give is constant


# A skip scan finds each endpoint that is owed something, and its first row that nobody holds. The planner
# guesses the recursion's rows wrongly: without OFFSET 0 it compares each with every endpoint.
_HEADS = """
WITH RECURSIVE owed AS (
    (SELECT endpoint_id, next_attempt_at FROM webhooks_delivery WHERE state = 'pending'
     ORDER BY endpoint_id, next_attempt_at LIMIT 1)
    UNION ALL
    SELECT next.endpoint_id, next.next_attempt_at
    FROM owed
    CROSS JOIN LATERAL (
        SELECT d.endpoint_id, d.next_attempt_at FROM webhooks_delivery d
        WHERE d.state = 'pending' AND d.endpoint_id > owed.endpoint_id
        ORDER BY d.endpoint_id, d.next_attempt_at LIMIT 1
    ) AS next
),
head AS MATERIALIZED (
    SELECT e.id AS endpoint_id, e.ordered, e.rate_limit, e.max_in_flight, first.next_attempt_at AS due
    FROM owed
    CROSS JOIN LATERAL (
        SELECT e.* FROM webhooks_endpoint e
        WHERE e.id = owed.endpoint_id AND e.state = 'active' AND e.deleted_at IS NULL OFFSET 0
    ) AS e
    CROSS JOIN LATERAL (
        SELECT d.next_attempt_at FROM webhooks_delivery d
        WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.next_attempt_at <= statement_timestamp()
          AND (d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())
        ORDER BY d.next_attempt_at LIMIT 1
    ) AS first
    WHERE owed.next_attempt_at <= statement_timestamp()
)"""

# What is under way in a lane is found up to the last that was under way after the claim before: a lane of a
# million rows costs no more than one of ten. Extra tries are none of the lane's. The bucket of a rate limit
# holds what may start in a second, and is full at first.
_ROOM = f"""
LEFT JOIN webhooks_lane l ON l.endpoint_id = h.endpoint_id
CROSS JOIN LATERAL (
    SELECT h.max_in_flight - count(*)::integer AS free,
           (array_agg(d.next_attempt_at ORDER BY d.next_attempt_at, d.id))[count(*)] AS through,
           (array_agg(d.id ORDER BY d.next_attempt_at, d.id))[count(*)] AS through_id
    FROM webhooks_delivery d
    WHERE d.endpoint_id = h.endpoint_id AND d.state = 'pending'
      AND (d.next_attempt_at, d.id) <= (l.claimed_through, l.claimed_through_id)
      AND d.claimed_until >= statement_timestamp()
      AND NOT EXISTS (
          SELECT FROM webhooks_extratry x WHERE x.delivery_id = d.id AND x.claim_id = d.claim_id)
) AS under_way
CROSS JOIN LATERAL (
    SELECT greatest(1, h.rate_limit * {SAVED}::float8) AS needed,
           least(h.rate_limit, coalesce(
               l.tokens + h.rate_limit
                   * greatest(0, extract(epoch FROM statement_timestamp() - l.refilled_at)),
               h.rate_limit
           ))::float8 AS tokens
) AS bucket
CROSS JOIN LATERAL (
    SELECT least(
        under_way.free,
        CASE WHEN bucket.tokens < bucket.needed THEN 0 ELSE floor(bucket.tokens)::integer END
    ) AS room
) AS allowed"""  # noqa: S608 - constants only

# The lanes whose heads are due longest have among them the deliveries that are.
_LANES = f"""{_HEADS},
lane AS MATERIALIZED (
    SELECT h.endpoint_id, h.due, h.ordered, l.xmin AS version, under_way.through, under_way.through_id,
           bucket.tokens, allowed.room
    FROM (SELECT * FROM head ORDER BY due, endpoint_id) AS h {_ROOM}
    WHERE allowed.room > 0
    ORDER BY h.due, h.endpoint_id LIMIT %(limit)s
)"""  # noqa: S608 - constants only

# `xmin` changes with every write: a lane that another wrote to since this statement began is not `ours`.
# `waits_until` is null of what may start. `own`: a try of the schedule was cut off, which it is forgiven so
# often; `spent`: once too often, so that it is settled as a failed try instead of being sent again.
_TAKE = f"""{_LANES},
due AS MATERIALIZED (
    SELECT lane.endpoint_id, slot.id, slot.next_attempt_at, slot.waits_until
    FROM lane
    CROSS JOIN LATERAL (
        SELECT first.*, count(*) FILTER (WHERE first.waits_until IS NULL) OVER (
                   ORDER BY first.next_attempt_at, first.id) AS nth
        FROM (
            SELECT d.id, d.next_attempt_at, CASE WHEN lane.ordered THEN {WAITS_UNTIL} END AS waits_until
            FROM webhooks_delivery d
            WHERE d.endpoint_id = lane.endpoint_id AND d.state = 'pending' AND d.late = %(late)s
              AND d.next_attempt_at <= statement_timestamp()
              AND (d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())
            ORDER BY d.next_attempt_at, d.id
            LIMIT lane.room + CASE WHEN lane.ordered THEN %(ahead)s ELSE 0 END
        ) AS first
    ) AS slot
    WHERE slot.waits_until IS NOT NULL OR slot.nth <= lane.room
),
chosen AS MATERIALIZED (
    (SELECT * FROM due WHERE waits_until IS NULL ORDER BY next_attempt_at, id LIMIT %(limit)s)
    UNION ALL
    (SELECT * FROM due WHERE waits_until IS NOT NULL LIMIT %(ahead)s)
),
ours AS MATERIALIZED (
    SELECT l.endpoint_id
    FROM webhooks_lane l JOIN lane ON lane.endpoint_id = l.endpoint_id AND lane.version = l.xmin
    WHERE l.endpoint_id = ANY (ARRAY(SELECT endpoint_id FROM chosen))
    FOR NO KEY UPDATE OF l SKIP LOCKED
),
locked AS MATERIALIZED (
    SELECT d.id, d.next_attempt_at, d.attempt_count, d.started_at, d.claim_id, d.abandoned_count, d.trigger,
           CASE WHEN d.claim_id IS NOT NULL THEN (
               SELECT x.trigger FROM webhooks_extratry x
               WHERE x.delivery_id = d.id AND x.claim_id = d.claim_id
           ) END AS extra
    FROM webhooks_delivery d
    WHERE d.id = ANY (ARRAY(SELECT chosen.id FROM chosen JOIN ours USING (endpoint_id)))
      AND d.state = 'pending' AND d.next_attempt_at <= statement_timestamp()
      AND (d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())
    FOR NO KEY UPDATE SKIP LOCKED
),
start AS MATERIALIZED (
    SELECT l.id, l.claim_id AS old_claim, l.attempt_count AS old_number, l.started_at AS old_start,
           coalesce(l.extra, l.trigger) AS old_trigger, l.claim_id IS NOT NULL AND l.extra IS NULL AS own,
           l.claim_id IS NOT NULL AND l.extra IS NULL AND l.abandoned_count >= %(forgiven)s AS spent
    FROM locked l JOIN chosen c ON c.id = l.id WHERE c.waits_until IS NULL
),
put_off AS (
    UPDATE webhooks_delivery d SET next_attempt_at = c.waits_until
    FROM locked l JOIN chosen c ON c.id = l.id WHERE d.id = l.id AND c.waits_until IS NOT NULL
    RETURNING d.id
),
taken AS (
    UPDATE webhooks_delivery d
    SET claim_id = %(claim)s, claimed_until = clock_timestamp() + %(lease)s * interval '1 second',
        started_at = CASE WHEN s.spent THEN d.started_at ELSE clock_timestamp() END,
        attempt_count = d.attempt_count + CASE WHEN s.spent THEN 0 ELSE 1 END,
        abandoned_count = d.abandoned_count + CASE WHEN s.own THEN 1 ELSE 0 END
    FROM start s WHERE d.id = s.id
    RETURNING d.id, d.endpoint_id, d.message_id, d.attempt_count, d.step, d.started_at, d.trigger, s.spent,
              d.next_attempt_at, s.old_claim, s.old_number, s.old_start, s.old_trigger
),
new AS (
    SELECT t.endpoint_id, count(*) AS tries,
           (array_agg(t.next_attempt_at ORDER BY t.next_attempt_at, t.id))[count(*)] AS through,
           (array_agg(t.id ORDER BY t.next_attempt_at, t.id))[count(*)] AS through_id
    FROM taken t GROUP BY t.endpoint_id
),
written AS (
    UPDATE webhooks_lane l
    SET claimed_through = last.through, claimed_through_id = last.through_id,
        tokens = lane.tokens - new.tries, refilled_at = greatest(l.refilled_at, statement_timestamp())
    FROM new JOIN lane ON lane.endpoint_id = new.endpoint_id
    CROSS JOIN LATERAL (
        SELECT * FROM (VALUES (new.through, new.through_id), (lane.through, lane.through_id))
            AS either (through, through_id)
        ORDER BY through DESC NULLS LAST, through_id DESC LIMIT 1
    ) AS last
    WHERE l.endpoint_id = new.endpoint_id
)
SELECT (SELECT count(*) FROM lane WHERE version IS NULL), (SELECT count(*) FROM put_off),
       t.endpoint_id, t.id, t.message_id, t.attempt_count, t.step, t.started_at, t.spent, t.trigger,
       m.type, m.stream, m.sequence, m.body, t.old_claim, t.old_number, t.old_start, t.old_trigger
FROM (VALUES (1)) AS always
LEFT JOIN (taken t JOIN webhooks_message m ON m.id = t.message_id) ON TRUE
ORDER BY t.next_attempt_at, t.id
"""  # noqa: S608 - constants only

_MAKE = f"{_LANES} {making('lane')}"

_OLDEST = f"{_LANES} SELECT min(due) FROM lane"  # noqa: S608 - constants only

_NEXT_TOKEN = f"""{_HEADS}
SELECT min((bucket.needed - bucket.tokens) / h.rate_limit)
FROM (SELECT * FROM head WHERE rate_limit IS NOT NULL) AS h {_ROOM}
WHERE under_way.free > 0 AND bucket.tokens < bucket.needed
"""  # noqa: S608 - constants only


def take(cursor: CursorWrapper, limit: int, values: Mapping[str, Any], pace: Pace) -> list[tuple[Any, ...]]:
    """Claim up to `limit` of what is due, the longest due first, in the caller's transaction.

    One statement; more where an endpoint is claimed from for the first time, or where all that was found
    waits in turn. `webhooks.claims` knows the columns.
    """
    rows: list[tuple[Any, ...]] = []
    ahead = AHEAD
    for _ in range(ROUNDS):
        cursor.execute(
            _TAKE, {**values, "limit": limit - len(rows), "ahead": ahead, "late": pace is Pace.LATE}
        )
        found = cursor.fetchall()
        without_lane, put_off = found[0][:2]
        rows += [row[2:] for row in found if row[2]]
        made = 0
        if without_lane:
            cursor.execute(_MAKE, {"limit": limit})
            made = cursor.rowcount
        if put_off:
            ahead = FURTHER_AHEAD
        if len(rows) >= limit or not (made or put_off):
            break
    return rows


def oldest_due() -> datetime | None:
    """Since when the first of what a claim would find now has been due; None: it would find nothing."""
    found: datetime | None = _one(_OLDEST, limit=1)
    return found


def next_token() -> float | None:
    """Seconds until a rate limit lets go what is due and not held up otherwise; None: there is nothing."""
    found: float | None = _one(_NEXT_TOKEN)
    return found


def _one(statement: str, **values: int) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]
