"""Which carrier account asks for which watch: a merchant's own before the house's, the newest first."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction

#: Watches that one step looks at.
BATCH = 500

# An account that was being written while a watch was looked at becomes visible later than its `changed_at`
# says; looking again for half a minute catches it.
_ASSIGN = """
WITH looked AS (
    SELECT id, merchant_id, courier, refused_account_ids, assigned_at FROM trackers_watch
    WHERE carrier_account_id IS NULL AND next_poll_at IS NOT NULL
      AND (%(only)s::uuid[] IS NULL OR id = ANY(%(only)s))
      AND assigned_at < (SELECT max(changed_at) + interval '30 seconds' FROM carriers_carrieraccount)
    ORDER BY assigned_at LIMIT %(batch)s
    FOR NO KEY UPDATE SKIP LOCKED
),
fitting AS (
    SELECT looked.id, best.id AS account
    FROM looked
    LEFT JOIN LATERAL (
        SELECT account.id FROM carriers_carrieraccount account
        WHERE account.courier = looked.courier AND account.state = 'active'
          AND (account.merchant_id = looked.merchant_id OR account.merchant_id IS NULL)
          AND (account.id <> ALL(looked.refused_account_ids) OR (
              looked.assigned_at > 'epoch' AND EXISTS (
                  SELECT FROM carriers_carrieraccount changed
                  WHERE changed.courier = looked.courier AND changed.changed_at > looked.assigned_at
                    AND (changed.merchant_id = looked.merchant_id OR changed.merchant_id IS NULL))))
        ORDER BY account.merchant_id IS NULL, account.created_at DESC LIMIT 1
    ) AS best ON true
)
UPDATE trackers_watch AS watch
SET carrier_account_id = fitting.account, assigned_at = clock_timestamp(),
    last_outcome = CASE WHEN fitting.account IS NOT NULL AND watch.last_polled_at IS NULL
        THEN NULL ELSE watch.last_outcome END,
    refused_account_ids = CASE WHEN fitting.account = ANY(watch.refused_account_ids)
        THEN '{}' ELSE watch.refused_account_ids END
FROM fitting WHERE watch.id = fitting.id
RETURNING fitting.account IS NOT NULL
"""

_RELEASE = """
UPDATE trackers_watch AS watch
SET carrier_account_id = NULL, assigned_at = 'epoch', last_outcome = 'account_suspended'
WHERE id = ANY(ARRAY(
    SELECT due.id FROM carriers_carrieraccount account
    CROSS JOIN LATERAL (
        SELECT id FROM trackers_watch
        WHERE carrier_account_id = account.id AND next_poll_at <= now()
          AND (claimed_until IS NULL OR claimed_until <= now())
        ORDER BY next_poll_at LIMIT %(batch)s FOR NO KEY UPDATE SKIP LOCKED
    ) AS due
    WHERE account.state <> 'active'
))
"""


def assign(only: Sequence[UUID] | None = None) -> int:
    """Give watches that wait for an account (all, or only these) the best one. Returns how many got one."""
    with connection.cursor() as cursor:
        cursor.execute(_ASSIGN, {"batch": BATCH, "only": list(only) if only is not None else None})
        return len([True for (found,) in cursor.fetchall() if found])


def release() -> int:
    """Take due watches off accounts that may not be asked. Returns how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RELEASE, {"batch": BATCH})
        released: int = cursor.rowcount
    return released
