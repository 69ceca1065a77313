"""SQL of tries that the sender's own death cut off, recorded by who takes over or ends their deliveries."""

from webhooks.tallying import counting

#: Records the claimed tries of the deliveries that follow after it, which were cut off.
ABANDON = """
    INSERT INTO webhooks_attempt
        (id, delivery_id, number, trigger, started_at, error, response_body, response_headers, address)
    SELECT gen_random_uuid(), id, attempt_count, trigger, started_at, 'abandoned', '', '{}', ''
"""

#: Parts of a claim that follow `taken`, which has of each delivery the claim before (null: none) and its try.
TAKEN_OVER = f"""
cut_off AS MATERIALIZED (
    SELECT id, endpoint_id, old_claim, old_number AS attempt_count, old_start AS started_at,
           old_trigger AS trigger
    FROM taken WHERE old_claim IS NOT NULL AND NOT spent
),
abandoned AS ({ABANDON} FROM cut_off),
ended AS (SELECT endpoint_id, 'abandoned' AS error, NULL::integer AS duration_ms FROM cut_off),
counted AS ({counting("ended")})
"""  # noqa: S608 - constants only
