"""Recoveries: an endpoint's deliveries of some time, made due once more, the oldest first, batch by batch.

A batch is one transaction. It locks its recovery, and of the deliveries only what nobody else holds, so that
it waits for nobody and stands in no circle; what the process that died had not committed is done by the next.
"""

from typing import Any
from uuid import UUID

from django.db import connection, transaction

from events.retrying import once_more
from webhooks.models import Delivery
from webhooks.stopping import stop

#: States of deliveries that can be sent again; the others are held for their endpoint, or over for good.
RECOVERABLE = (Delivery.State.DELIVERED, Delivery.State.EXHAUSTED, Delivery.State.PENDING)
#: What is recovered where nobody says otherwise: what did not arrive.
DEFAULT_STATES = (Delivery.State.EXHAUSTED, Delivery.State.PENDING)
#: Deliveries that one batch looks at.
BATCH = 1_000
#: An endpoint with so many late deliveries due is given no more: others that are late wait behind them.
AHEAD = 5_000
#: Seconds after which one looks again that could not go on: its endpoint has enough to do, or a row is held.
WAIT = 2.0

# Whoever was advanced longest ago comes first, so that a long recovery delays nobody's. Those of endpoints
# that are not active are passed by: any number of them costs the others no turn.
_PICK = """
SELECT r.id, r.endpoint_id, r.until, r.states, coalesce(r.reached_at, r.since), r.cursor,
       e.deleted_at IS NOT NULL, EXISTS (
           SELECT FROM webhooks_delivery d
           WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.late
             AND d.next_attempt_at <= statement_timestamp()
           ORDER BY d.next_attempt_at OFFSET %(ahead)s LIMIT 1
       )
FROM webhooks_recovery r JOIN webhooks_endpoint e ON e.id = r.endpoint_id
WHERE r.state = 'running' AND r.next_batch_at <= statement_timestamp()
  AND (e.state = 'active' OR e.deleted_at IS NOT NULL)
ORDER BY r.next_batch_at, r.id LIMIT 1
FOR NO KEY UPDATE OF r SKIP LOCKED
"""
_CANCEL = """
UPDATE webhooks_recovery SET state = 'cancelled', finished_at = clock_timestamp() WHERE id = %(recovery)s
"""
_WAIT = """
UPDATE webhooks_recovery SET next_batch_at = clock_timestamp() + %(wait)s * interval '1 second'
WHERE id = %(recovery)s
"""

# One that waits for its next try is brought forward unless it is due or under way; one that has ended begins
# its schedule anew, and keeps an extra try that is under way. Where somebody else holds an ended one at this
# moment, the batch stops before it: nobody else may be about to make it due. All are late, so that no first
# try waits behind them; a lane is sent by due time, so microseconds keep the order.
_ADVANCE = """
WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS now),
looked AS MATERIALIZED (
    SELECT d.id, d.created_at, row_number() OVER (ORDER BY d.created_at, d.id) AS place,
           d.state <> 'pending' AND d.state = ANY (%(states)s) AND d.trigger <> 'test' AS ended
    FROM webhooks_delivery d
    WHERE d.endpoint_id = %(endpoint)s AND d.created_at < %(until)s
      AND (d.created_at, d.id) > (%(reached_at)s, %(cursor)s)
    ORDER BY d.created_at, d.id LIMIT %(limit)s
),
ours AS MATERIALIZED (
    SELECT d.id, looked.place
    FROM looked JOIN webhooks_delivery d ON d.id = looked.id CROSS JOIN moment
    WHERE d.state = ANY (%(states)s) AND d.trigger <> 'test'
      AND (d.state <> 'pending' OR (d.claim_id IS NULL AND d.next_attempt_at > moment.now))
    FOR NO KEY UPDATE OF d SKIP LOCKED
),
stopped AS (
    SELECT min(place) AS before FROM looked
    WHERE ended AND NOT EXISTS (SELECT FROM ours WHERE ours.id = looked.id)
),
due AS (
    SELECT ours.id, row_number() OVER (ORDER BY ours.place) - 1 AS nth
    FROM ours CROSS JOIN stopped WHERE stopped.before IS NULL OR ours.place < stopped.before
),
again AS (
    UPDATE webhooks_delivery d
    SET state = 'pending', next_attempt_at = moment.now + due.nth * interval '1 microsecond',
        delivered_at = NULL, late = d.late OR d.claim_id IS NULL,
        step = CASE WHEN d.state = 'pending' THEN d.step ELSE 0 END,
        abandoned_count = CASE WHEN d.state = 'pending' THEN d.abandoned_count ELSE 0 END,
        trigger = CASE WHEN d.state = 'pending' THEN d.trigger ELSE 'recovery' END
    FROM due CROSS JOIN moment WHERE d.id = due.id
    RETURNING d.id
),
passed AS (
    SELECT looked.created_at, looked.id, looked.place FROM looked CROSS JOIN stopped
    WHERE stopped.before IS NULL OR looked.place < stopped.before
    ORDER BY looked.place DESC LIMIT 1
),
sums AS (
    SELECT (SELECT count(*) FROM again) AS recovered, coalesce((SELECT place FROM passed), 0) AS examined,
           (SELECT before FROM stopped) IS NOT NULL AS stopped,
           (SELECT count(*) FROM looked) < %(limit)s AS last
)
UPDATE webhooks_recovery r
SET reached_at = coalesce((SELECT created_at FROM passed), r.reached_at),
    cursor = coalesce((SELECT id FROM passed), r.cursor),
    examined = r.examined + sums.examined, recovered = r.recovered + sums.recovered,
    state = CASE WHEN sums.last AND NOT sums.stopped THEN 'done' ELSE 'running' END,
    finished_at = CASE WHEN sums.last AND NOT sums.stopped THEN clock_timestamp() END,
    next_batch_at = clock_timestamp() + CASE
        WHEN sums.examined = 0 AND sums.stopped THEN %(wait)s ELSE 0
    END * interval '1 second'
FROM sums WHERE r.id = %(recovery)s
"""
_BEFORE_ALL = UUID(int=0)


def run(batches: int) -> bool:
    """Make up to so many batches. True: all of them were made, so that there may be more to do."""
    return all(not stop.is_set() and advance() for _ in range(batches))


def advance() -> bool:
    """One batch of the running recovery that has waited longest; False: none can go on now.

    Two statements in a transaction. A recovery of a deleted endpoint is cancelled; one whose endpoint is not
    active waits for that, one whose endpoint has AHEAD due deliveries a while. Safe to repeat, and to run
    beside itself.
    """
    return once_more(_advance)


def _advance() -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PICK, {"ahead": AHEAD - 1})
        found = cursor.fetchone()
        if found is None:
            return False
        recovery, endpoint, until, states, reached_at, reached, is_deleted, must_wait = found
        values: dict[str, Any] = {
            "recovery": recovery,
            "endpoint": endpoint,
            "until": until,
            "states": states,
            "reached_at": reached_at,
            "cursor": reached or _BEFORE_ALL,
            "limit": BATCH,
            "wait": WAIT,
        }
        cursor.execute(_CANCEL if is_deleted else _WAIT if must_wait else _ADVANCE, values)
    return True
