"""Deliveries that have been due for minutes, as after an outage; written by SQL, since they are many."""

from bench.bodies import BODY
from bench.stage import Stage

_MESSAGES = """
INSERT INTO webhooks_message (id, merchant_id, type, stream, sequence, body, created_at)
SELECT uuidv7(), m.id, 'tracking.updated', uuidv7(), nth, %(body)s, now() - interval '10 minutes'
FROM accounts_merchant m CROSS JOIN generate_series(1, %(each)s) AS nth
WHERE EXISTS (SELECT FROM webhooks_endpoint e WHERE e.merchant_id = m.id AND e.url LIKE %(to)s)
ORDER BY nth, m.id
"""
# First tries are due in the order in which they were made, retries in that of chance. The latter come after
# four tries that failed.
_DELIVERIES = """
INSERT INTO webhooks_delivery
    (id, message_id, endpoint_id, state, next_attempt_at, late, step, attempt_count, created_at)
SELECT uuidv7(), m.id, e.id, 'pending',
       now() - interval '10 minutes'
           + interval '5 minutes' * CASE WHEN %(late)s THEN random() ELSE m.sequence / %(each)s::float8 END,
       %(late)s, CASE WHEN %(late)s THEN 4 ELSE 0 END, CASE WHEN %(late)s THEN 4 ELSE 0 END,
       now() - interval '10 minutes'
FROM webhooks_message m JOIN webhooks_endpoint e ON e.merchant_id = m.merchant_id
WHERE e.url LIKE %(to)s
ORDER BY m.id, e.id
"""


def owe(on: Stage, each: int, *, to: str = "%", late: bool = False) -> None:
    """Owe `each` deliveries to every endpoint with such a URL, due for five to ten minutes.

    They are first tries that nobody made, or late retries. The endpoints' merchants have no messages yet.
    """
    with on.database() as database:
        database.execute(_MESSAGES, {"each": each, "to": to, "body": BODY})
        database.execute(_DELIVERIES, {"each": each, "to": to, "late": late})
        database.execute("VACUUM ANALYZE")  # as autovacuum does within the first minute
