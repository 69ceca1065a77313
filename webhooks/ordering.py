"""Order, for endpoints that asked for it: of one stream, a message waits until those before it have ended.

What waits is put off, so that what follows in the lane does not wait with it. It comes up again no later than
what it waits for, so that little is lost where nobody wakes it.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

#: Messages of a stream that are looked at before one, and after it: no stream is so long that its whole
#: length should be read for each of its messages.
LOOKED_AT = 100

#: SQL: until when the delivery `d` of an ordered endpoint is put off; null where it may start. Between 1 s,
#: for what is under way, and 10 minutes, since what it waits for may end before its next try. OFFSET 0 has
#: deliveries found by their message: the planner may else read all that the endpoint is owed.
WAITS_UNTIL = f"""(
    SELECT least(greatest(max(b.next_attempt_at), statement_timestamp() + interval '1 second'),
                 statement_timestamp() + interval '10 minutes')
    FROM webhooks_message m
    CROSS JOIN LATERAL (
        SELECT p.id FROM webhooks_message p
        WHERE p.stream = m.stream AND p.sequence < m.sequence
        ORDER BY p.sequence DESC LIMIT {LOOKED_AT}
    ) AS before
    CROSS JOIN LATERAL (
        SELECT o.* FROM webhooks_delivery o WHERE o.message_id = before.id OFFSET 0
    ) AS b
    WHERE m.id = d.message_id AND b.endpoint_id = d.endpoint_id
      AND b.state IN ('pending', 'held') AND b.trigger <> 'test'
    HAVING count(*) > 0
)"""  # noqa: S608 - constants only

# The next of the stream, which the others wait for in turn. One that has failed in this run waits for its own
# next try, whatever has ended before it.
_WAKE = f"""
WITH ended AS (
    SELECT * FROM unnest(%(endpoints)s::uuid[], %(streams)s::uuid[], %(sequences)s::integer[])
        AS ended (endpoint_id, stream, sequence)
),
next AS MATERIALIZED (
    SELECT d.id FROM webhooks_delivery d
    WHERE d.id = ANY (ARRAY(
        SELECT first.id FROM ended
        CROSS JOIN LATERAL (
            SELECT d.id
            FROM (
                SELECT m.id, m.sequence FROM webhooks_message m
                WHERE m.stream = ended.stream AND m.sequence > ended.sequence
                ORDER BY m.sequence LIMIT {LOOKED_AT}
            ) AS later
            CROSS JOIN LATERAL (
                SELECT o.* FROM webhooks_delivery o WHERE o.message_id = later.id OFFSET 0
            ) AS d
            WHERE d.endpoint_id = ended.endpoint_id AND d.state = 'pending'
            ORDER BY later.sequence LIMIT 1
        ) AS first
    )) AND d.claim_id IS NULL
    ORDER BY d.id FOR NO KEY UPDATE
)
UPDATE webhooks_delivery d SET next_attempt_at = clock_timestamp()
FROM next WHERE d.id = next.id
  AND d.state = 'pending' AND d.claim_id IS NULL AND d.step = 0 AND d.next_attempt_at > statement_timestamp()
"""  # noqa: S608 - constants only


class Ended(NamedTuple):
    """A delivery of an ordered endpoint that has ended: to whom it was, and its place in its stream."""

    endpoint_id: UUID
    stream: UUID
    sequence: int


def wake(ended: Sequence[Ended]) -> None:
    """What waited for these is due now: one statement. Not in a transaction, since it may wait for rows."""
    if not ended:
        return
    endpoints, streams, sequences = map(list, zip(*ended, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_WAKE, {"endpoints": endpoints, "streams": streams, "sequences": sequences})
