"""Deliveries follow their endpoint: held while it is not active, released when it is, cancelled when it goes.

Whatever a race or a crash left behind is put right here, in batches; rows that somebody is sending are left
to whoever sends them, for as long as the lease holds.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from webhooks.claims import ABANDON
from webhooks.models import Endpoint

#: Rows that one statement moves.
BATCH = 1_000

# By endpoint, so that a million rows of an endpoint that is in order are not looked at.
_MOVE = """
WITH moving AS MATERIALIZED (
    SELECT d.id, d.claim_id, d.attempt_count, d.trigger, d.started_at FROM webhooks_delivery d
    WHERE d.id = ANY (ARRAY(
        SELECT slot.id FROM webhooks_endpoint e
        CROSS JOIN LATERAL (
            SELECT d.id FROM webhooks_delivery d
            WHERE d.endpoint_id = e.id AND d.state = '{old}'
              AND (d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())
            ORDER BY {order} LIMIT %(limit)s
        ) AS slot
        WHERE {endpoints} LIMIT %(limit)s
    ))
    AND d.state = '{old}' AND (d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())
    FOR NO KEY UPDATE SKIP LOCKED
)
"""
_SET = """
UPDATE webhooks_delivery d SET state = '{new}', next_attempt_at = {due} FROM moving WHERE d.id = moving.id
"""
# A cut-off try ends here: nobody takes it over, and who made it settles nothing any more. One of a delivery
# that is held keeps its claim, so that a late answer is still heard.
_CANCEL = (
    ", cut_off AS ("
    + ABANDON
    + """ FROM moving WHERE claim_id IS NOT NULL)
UPDATE webhooks_delivery d
SET state = 'cancelled', next_attempt_at = NULL, claim_id = NULL, claimed_until = NULL,
    abandoned_count = d.abandoned_count + CASE WHEN d.claim_id IS NULL THEN 0 ELSE 1 END
FROM moving WHERE d.id = moving.id
"""
)
_PENDING = {"old": "pending", "order": "d.next_attempt_at, d.id"}
_HELD = {"old": "held", "order": "d.id"}
_INACTIVE = "e.state <> 'active' AND e.deleted_at IS NULL"
_ACTIVE = "e.state = 'active' AND e.deleted_at IS NULL"
_KEEPING = (
    _MOVE.format(**_PENDING, endpoints=_INACTIVE) + _SET.format(new="held", due="NULL"),
    # All of a batch are due at once: the lane's order by id then sends the oldest first.
    _MOVE.format(**_HELD, endpoints=_ACTIVE) + _SET.format(new="pending", due="(SELECT clock_timestamp())"),
)
_CANCELLING = tuple(
    _MOVE.format(**old, endpoints="e.deleted_at IS NOT NULL") + _CANCEL for old in (_PENDING, _HELD)
)


def reconcile(limit: int = BATCH) -> int:
    """One batch each of holding, releasing and cancelling. Returns the rows moved; 0: all is in order."""
    return _move(_KEEPING + _CANCELLING, limit)


def delete(merchant_id: UUID, endpoint_id: UUID) -> bool:
    """Delete a merchant's endpoint and cancel the first batch of what it is owed; the sweep does the rest.

    False: the merchant has none of this id. The row stays, so that a recording under way never fails on it.
    """
    mine = Q(merchant_id=merchant_id, id=endpoint_id, deleted_at=None)
    if not Endpoint.objects.filter(mine).update(deleted_at=Now()):
        return False
    _move(_CANCELLING, BATCH)
    return True


def _move(statements: Iterable[str], limit: int) -> int:
    moved = 0
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, {"limit": limit})
            moved += cursor.rowcount
    return moved
