"""What subscribers answered to the messages about parcels goes, and none is kept from then on."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from events.catalog import TrackerErased

#: SQL for a delivery of an old message: whether its answers are kept, by the log as it is by then.
ANSWERS_KEPT = f"""
NOT EXISTS (SELECT FROM events_event e WHERE e.stream = m.stream AND e.key = '{TrackerErased.KEY}')
"""

# Whoever adds a delivery to an old message holds the merchant so that these two wait for each other.
_HOLD = "SELECT FROM accounts_merchant WHERE id = %(merchant)s FOR NO KEY UPDATE"

# The mark stands in the row that settling updates: whichever of the two has to wait sees what the other did.
_MARK = """
WITH held AS MATERIALIZED (
    SELECT d.id FROM webhooks_message m JOIN webhooks_delivery d ON d.message_id = m.id
    WHERE m.stream = ANY (%(streams)s) AND m.merchant_id = %(merchant)s
    ORDER BY d.id FOR NO KEY UPDATE OF d
)
UPDATE webhooks_delivery d SET answers_kept = FALSE FROM held WHERE d.id = held.id AND d.answers_kept
"""
_FORGET = """
UPDATE webhooks_attempt a SET response_body = '', response_headers = '{}'
FROM webhooks_message m JOIN webhooks_delivery d ON d.message_id = m.id
WHERE m.stream = ANY (%(streams)s) AND m.merchant_id = %(merchant)s AND a.delivery_id = d.id
  AND (a.response_body <> '' OR a.response_headers <> '{}')
"""


def hold(merchant_id: UUID) -> None:
    """Keep old messages from being owed to more endpoints until the caller's transaction ends.

    After it has locked its trackers, before it locks anything else.
    """
    _run(_HOLD, merchant=merchant_id)


def forget_answers(merchant_id: UUID, streams: Sequence[UUID]) -> None:
    """Blank what was answered to these streams' messages; that of a try under way will not be kept.

    Two statements, in the caller's transaction, which called `hold`. Their deliveries stay locked.
    """
    _run(_MARK, merchant=merchant_id, streams=list(streams))
    _run(_FORGET, merchant=merchant_id, streams=list(streams))


def _run(statement: str, **values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
