"""Which carrier account asks for which watch: a merchant's own before the house's, the newest first."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from carriers.registry import closing

#: Watches that one step looks at.
BATCH = 500

# Driven by the accounts, so that a new one finds its watches however many others wait in vain. An account
# that was being written while a watch was looked at becomes visible later than its `changed_at` says; looking
# again for half a minute catches it.
_WAITING = """
SELECT waiting.id FROM carriers_carrieraccount account
CROSS JOIN LATERAL (
    (SELECT id FROM trackers_watch
     WHERE account.merchant_id IS NOT NULL AND merchant_id = account.merchant_id AND courier = account.courier
       AND carrier_account_id IS NULL AND next_poll_at IS NOT NULL
       AND assigned_at < least(account.changed_at + interval '30 seconds', %(before)s)
     ORDER BY assigned_at LIMIT %(batch)s)
    UNION ALL
    (SELECT id FROM trackers_watch
     WHERE account.merchant_id IS NULL AND courier = account.courier
       AND carrier_account_id IS NULL AND next_poll_at IS NOT NULL
       AND assigned_at < least(account.changed_at + interval '30 seconds', %(before)s)
     ORDER BY assigned_at LIMIT %(batch)s)
) AS waiting
WHERE account.state = 'active' LIMIT %(batch)s
"""

# The account is locked against being deleted: whoever deletes it finds the watch that it has got. What was to
# be ended there goes on.
_ASSIGN = """
WITH looked AS MATERIALIZED (
    SELECT id, tracker_id, merchant_id, courier, refused_account_ids, assigned_at FROM trackers_watch
    WHERE id = ANY(%(only)s) AND carrier_account_id IS NULL
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
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
        FOR KEY SHARE
    ) AS best ON true
),
dropped AS (
    DELETE FROM carriers_closing AS closing USING fitting JOIN looked ON looked.id = fitting.id
    WHERE closing.account_id = fitting.account AND closing.tracker_id = looked.tracker_id
)
UPDATE trackers_watch AS watch
SET carrier_account_id = fitting.account, assigned_at = clock_timestamp(),
    last_outcome = CASE WHEN fitting.account IS NOT NULL
            AND (watch.last_polled_at IS NULL OR watch.last_outcome = 'no_carrier_account')
        THEN NULL ELSE watch.last_outcome END,
    refused_account_ids = CASE WHEN fitting.account = ANY(watch.refused_account_ids)
        THEN '{}' ELSE watch.refused_account_ids END
FROM fitting WHERE watch.id = fitting.id
"""

# Watches that are due with an account that may not be asked; and those that the house asks for although
# their merchant has just got an account of its own. What the account keeps open for them is to be ended, once
# it may be asked: see carriers.closing.
_RELEASE = """
WITH freed AS MATERIALIZED (
    SELECT due.id, CASE account.state WHEN 'paused' THEN 'no_carrier_account'
        ELSE 'account_suspended' END AS outcome
    FROM carriers_carrieraccount account
    CROSS JOIN generate_series(0, 3) AS each (urgency)
    CROSS JOIN LATERAL (
        SELECT id FROM trackers_watch
        WHERE carrier_account_id = account.id AND trackers_watch.urgency = each.urgency
          AND next_poll_at <= statement_timestamp()
        ORDER BY next_poll_at LIMIT %(batch)s
    ) AS due
    WHERE account.state <> 'active'
    UNION
    SELECT watch.id, NULL FROM carriers_carrieraccount own
    JOIN trackers_tracker tracker ON tracker.merchant_id = own.merchant_id
    JOIN trackers_watch watch ON watch.tracker_id = tracker.id AND watch.courier = own.courier
    JOIN carriers_carrieraccount house ON house.id = watch.carrier_account_id AND house.merchant_id IS NULL
    WHERE own.state = 'active' AND own.changed_at > statement_timestamp() - interval '1 minute'
      AND watch.next_poll_at IS NOT NULL AND own.id <> ALL(watch.refused_account_ids)
    LIMIT %(batch)s
),
held AS MATERIALIZED (
    SELECT watch.id, freed.outcome, watch.carrier_account_id, watch.tracker_id, watch.courier,
           watch.last_polled_at
    FROM trackers_watch AS watch JOIN freed ON freed.id = watch.id
    WHERE watch.claimed_until IS NULL OR watch.claimed_until <= statement_timestamp()
    ORDER BY watch.id FOR NO KEY UPDATE OF watch SKIP LOCKED
),
owing AS MATERIALIZED (
    SELECT id FROM carriers_carrieraccount
    WHERE id IN (SELECT carrier_account_id FROM held WHERE courier = ANY(%(closing)s))
    ORDER BY id FOR KEY SHARE SKIP LOCKED
),
owed AS (
    INSERT INTO carriers_closing (id, account_id, tracker_id, failures)
    SELECT gen_random_uuid(), owing.id, held.tracker_id, 0
    FROM held JOIN owing ON owing.id = held.carrier_account_id
    WHERE held.courier = ANY(%(closing)s) AND held.last_polled_at IS NOT NULL
    ORDER BY owing.id, held.tracker_id
    ON CONFLICT (account_id, tracker_id) DO NOTHING
)
UPDATE trackers_watch AS watch
SET carrier_account_id = NULL, assigned_at = 'epoch',
    last_outcome = coalesce(held.outcome, watch.last_outcome)
FROM held WHERE watch.id = held.id
"""


def assign(watches: Sequence[UUID]) -> int:
    """Give those of these watches that have no account the best one. Returns how many were looked at.

    Those looked at in vain wait until an account of theirs changes.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ASSIGN, {"only": list(watches)})
        looked: int = cursor.rowcount
    return looked


def assign_waiting(before: datetime) -> int:
    """Assign a batch of the watches that may hope and were not looked at since `before`. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"batch": BATCH, "before": before})
        waiting = [row[0] for row in cursor.fetchall()]
    return assign(waiting) if waiting else 0


def release() -> int:
    """Take watches off accounts that shall not ask for them any more. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, {"batch": BATCH, "closing": list(closing())})
        released: int = cursor.rowcount
    return released
