"""Deliveries follow their endpoint: held while it is not active, released when it is, cancelled when it goes.

Whatever a race or a crash left behind is put right here, in batches; rows that somebody is sending are left
to whoever sends them, for as long as the lease holds. Tests are held too, but go out as extra tries alone.
"""

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from django.db import connection

from events.conflicts import or_conflict
from webhooks import health
from webhooks.cutting_off import ABANDON

#: Rows that one statement moves.
BATCH = 1_000

# By endpoint, so that a million rows of an endpoint that is in order are not looked at. What cut off the
# try of an abandoned claim may have been an extra one.
_MOVE = """
WITH moving AS MATERIALIZED (
    SELECT d.id, d.claim_id, d.attempt_count, d.started_at, coalesce(x.trigger, d.trigger) AS trigger,
           d.claim_id IS NOT NULL AND x.trigger IS NULL AS cut_off_run
    FROM webhooks_delivery d
    LEFT JOIN webhooks_extratry x ON x.delivery_id = d.id AND x.claim_id = d.claim_id
    WHERE d.id = ANY (ARRAY(
        SELECT slot.id FROM webhooks_endpoint e
        CROSS JOIN LATERAL (
            SELECT d.id FROM webhooks_delivery d
            WHERE d.endpoint_id = e.id AND {rows}
              AND (d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())
            ORDER BY {order} LIMIT %(limit)s
        ) AS slot
        WHERE {endpoints} LIMIT %(limit)s
    ))
    AND {rows} AND (d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())
    FOR NO KEY UPDATE OF d SKIP LOCKED
)
"""
_SET = """
UPDATE webhooks_delivery d SET state = '{new}', next_attempt_at = {due}, late = {late}
FROM moving WHERE d.id = moving.id
"""
# A cut-off try ends here: nobody takes it over, and who made it settles nothing any more. One of a delivery
# that is held keeps its claim, so that a late answer is still heard.
_CANCEL = (
    ", cut_off AS ("
    + ABANDON
    + """ FROM moving WHERE claim_id IS NOT NULL)
UPDATE webhooks_delivery d
SET state = 'cancelled', next_attempt_at = NULL, claim_id = NULL, claimed_until = NULL,
    abandoned_count = d.abandoned_count + moving.cut_off_run::integer
FROM moving WHERE d.id = moving.id
"""
)
# Extra tries of deleted endpoints, of deliveries that have ended too.
_DROP = """
WITH dropped AS MATERIALIZED (
    SELECT d.id, d.attempt_count, d.started_at, x.trigger,
           coalesce(x.claim_id = d.claim_id, FALSE) AS cut_off
    FROM webhooks_extratry x
    JOIN webhooks_endpoint e ON e.id = x.endpoint_id
    JOIN webhooks_delivery d ON d.id = x.delivery_id
    WHERE {endpoints} AND (d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())
    ORDER BY x.asked_at LIMIT %(limit)s
    FOR NO KEY UPDATE OF d SKIP LOCKED
)
"""
_DROPPED = (
    ", abandoned AS ("  # noqa: S608 - constants only
    + ABANDON
    + """ FROM dropped WHERE cut_off),
freed AS (
    UPDATE webhooks_delivery d SET claim_id = NULL, claimed_until = NULL
    FROM dropped WHERE d.id = dropped.id AND dropped.cut_off
)
DELETE FROM webhooks_extratry x USING dropped WHERE x.delivery_id = dropped.id
"""
)
_PENDING = {"rows": "d.state = 'pending'", "order": "d.late, d.next_attempt_at, d.id"}
_HELD = {"rows": "d.state = 'held'", "order": "d.id"}
_RELEASED = {"rows": "d.state = 'held' AND d.trigger <> 'test'", "order": "d.id"}
_INACTIVE = "e.state <> 'active' AND e.deleted_at IS NULL"
_ACTIVE = "e.state = 'active' AND e.deleted_at IS NULL"
_DELETED = "e.deleted_at IS NOT NULL"
_ONE = " AND e.id = %(endpoint)s"
_TO_HELD = _SET.format(new="held", due="NULL", late="d.late")
# All of a batch are due at once: the lane's order by id then sends the oldest first. They are late, so that a
# month of them keeps no first try waiting.
_TO_PENDING = _SET.format(
    new="pending", due="(SELECT clock_timestamp())", late="d.late OR d.claim_id IS NULL"
)


def _hold(endpoints: str) -> str:
    return _MOVE.format(**_PENDING, endpoints=endpoints) + _TO_HELD


def _release(endpoints: str) -> str:
    return _MOVE.format(**_RELEASED, endpoints=endpoints) + _TO_PENDING


def _cancel(endpoints: str) -> tuple[str, ...]:
    moves = (_MOVE.format(**rows, endpoints=endpoints) + _CANCEL for rows in (_PENDING, _HELD))
    return (*moves, _DROP.format(endpoints=endpoints) + _DROPPED)


_EVERYWHERE = (_hold(_INACTIVE), _release(_ACTIVE), *_cancel(_DELETED))


def reconcile(limit: int = BATCH) -> int:
    """One batch each of holding, releasing and cancelling. Returns the rows moved; 0: all is in order."""
    return _move(_EVERYWHERE, limit)


def hold(endpoint_id: UUID) -> int:
    """Hold the first batch of what an endpoint is owed, if it is not active; the sweep does the rest."""
    return _move([_hold(_INACTIVE + _ONE)], BATCH, endpoint_id)


def release(endpoint_id: UUID) -> int:
    """The oldest batch of what is held is due now, if the endpoint is active; the sweep does the rest."""
    return _move([_release(_ACTIVE + _ONE)], BATCH, endpoint_id)


def delete(merchant_id: UUID, endpoint_id: UUID) -> bool:
    """Delete a merchant's endpoint and cancel the first batch of what it is owed; the sweep does the rest.

    False: the merchant has none of this id. Raises ApiError 409 `request_conflict`.
    """
    if not or_conflict(partial(health.delete, merchant_id, endpoint_id)):
        return False
    _move(_cancel(_DELETED + _ONE), BATCH, endpoint_id)
    return True


def _move(statements: Iterable[str], limit: int, endpoint_id: UUID | None = None) -> int:
    moved = 0
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, {"limit": limit, "endpoint": endpoint_id})
            moved += cursor.rowcount
    return moved
