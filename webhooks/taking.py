"""SQL of a claim: what may start of the lanes is locked, written to, and read with its messages, at once."""

from webhooks.heads import FREE, Kind, free_ones, lanes
from webhooks.ordering import WAITS_UNTIL

# Of many lanes each gives twice its share at first. Where that was not all it has, and what is due longest of
# all may be among the rest, that is read too. Of ordered endpoints more is looked at, since some of it waits:
# `waits_until` is null of what may start.
_DUE = """
share AS MATERIALIZED (
    SELECT 1 + 2 * %(limit)s::integer / greatest(count(*), 1)::integer AS size FROM lane
),
first AS MATERIALIZED (
    SELECT lane.endpoint_id, lane.place AS lane, d.id, d.place, d.next_attempt_at, d.nth
    FROM lane CROSS JOIN LATERAL (
        SELECT free.*, row_number() OVER (ORDER BY free.next_attempt_at, free.id) AS nth
        FROM ({unordered}) AS free
    ) AS d
    WHERE NOT lane.ordered
),
enough AS MATERIALIZED (
    SELECT next_attempt_at AS due FROM first ORDER BY next_attempt_at OFFSET %(limit)s::integer - 1 LIMIT 1
),
due AS MATERIALIZED (
    SELECT endpoint_id, lane, id, place, next_attempt_at, NULL::timestamptz AS waits_until FROM first
    UNION ALL
    SELECT lane.endpoint_id, lane.place, d.id, d.place, d.next_attempt_at, NULL
    FROM first CROSS JOIN share JOIN lane ON lane.endpoint_id = first.endpoint_id CROSS JOIN LATERAL (
        SELECT d.id, d.ctid AS place, d.next_attempt_at FROM webhooks_delivery d
        WHERE d.endpoint_id = first.endpoint_id AND d.state = 'pending' AND d.late = {late}
          AND (d.next_attempt_at, d.id) > (first.next_attempt_at, first.id)
          AND d.next_attempt_at <= least((SELECT due FROM enough), statement_timestamp()) AND {free}
        ORDER BY d.next_attempt_at, d.id LIMIT least(lane.room, %(limit)s::integer) - share.size
    ) AS d
    WHERE first.nth = share.size AND share.size < lane.room AND share.size < %(limit)s::integer
    UNION ALL
    SELECT lane.endpoint_id, lane.place, slot.id, slot.place, slot.next_attempt_at, slot.waits_until
    FROM lane CROSS JOIN LATERAL (
        SELECT first.*, count(*) FILTER (WHERE first.waits_until IS NULL) OVER (
                   ORDER BY first.next_attempt_at, first.id) AS nth
        FROM (SELECT d.*, {waits_until} AS waits_until FROM ({ordered}) AS d) AS first
    ) AS slot
    WHERE lane.ordered AND (slot.waits_until IS NOT NULL OR slot.nth <= lane.room)
),
chosen AS MATERIALIZED (
    (SELECT * FROM due WHERE waits_until IS NULL ORDER BY next_attempt_at, id LIMIT %(limit)s::integer)
    UNION ALL
    (SELECT * FROM due WHERE waits_until IS NOT NULL LIMIT %(ahead)s::integer)
),"""

# `xmin` changes with every write: a lane that another wrote to since this statement began is not `ours`.
# Rows are found by their places, once each: a row that moved since is another's, and left. IS TRUE has what
# it asks about looked up in a hash, whatever the planner expects. `own`: a try of the schedule was cut off,
# which it is forgiven so often; `spent`: once too often, so that it is settled as failed, and not sent again.
_TAKEN = """
ours AS MATERIALIZED (
    SELECT l.ctid AS place
    FROM webhooks_lane l JOIN lane ON lane.place = l.ctid AND lane.version = l.xmin
    WHERE l.ctid = ANY (ARRAY(SELECT DISTINCT lane FROM chosen))
    FOR NO KEY UPDATE OF l SKIP LOCKED
),
locked AS MATERIALIZED (
    SELECT d.id, d.ctid AS place, d.claim_id, d.abandoned_count,
           CASE WHEN d.claim_id IS NOT NULL THEN (
               SELECT x.trigger FROM webhooks_extratry x
               WHERE x.delivery_id = d.id AND x.claim_id = d.claim_id
           ) END AS extra
    FROM webhooks_delivery d
    WHERE d.ctid = ANY (ARRAY(SELECT place FROM chosen WHERE (lane IN (SELECT place FROM ours)) IS TRUE))
      AND d.state = 'pending' AND d.late = {late} AND d.next_attempt_at <= statement_timestamp() AND {free}
    FOR NO KEY UPDATE SKIP LOCKED
),
start AS MATERIALIZED (
    SELECT l.place, l.extra, l.claim_id IS NOT NULL AND l.extra IS NULL AS own,
           l.claim_id IS NOT NULL AND l.extra IS NULL AND l.abandoned_count >= %(forgiven)s::integer AS spent
    FROM locked l WHERE (l.id IN (SELECT id FROM chosen WHERE waits_until IS NULL)) IS TRUE
),
put_off AS (
    UPDATE webhooks_delivery d SET next_attempt_at = c.waits_until
    FROM chosen c JOIN locked l ON l.id = c.id WHERE d.ctid = l.place AND c.waits_until IS NOT NULL
    RETURNING d.id
),
taken AS (
    UPDATE webhooks_delivery d
    SET claim_id = %(claim)s::uuid,
        claimed_until = clock_timestamp() + %(lease)s::float8 * interval '1 second',
        started_at = CASE WHEN s.spent THEN d.started_at ELSE clock_timestamp() END,
        attempt_count = d.attempt_count + CASE WHEN s.spent THEN 0 ELSE 1 END,
        abandoned_count = d.abandoned_count + CASE WHEN s.own THEN 1 ELSE 0 END
    FROM start s WHERE d.ctid = s.place
    RETURNING d.id, d.endpoint_id, d.message_id, d.attempt_count, d.step, d.started_at, d.trigger, s.spent,
              d.next_attempt_at, old.claim_id AS old_claim, old.attempt_count AS old_number,
              old.started_at AS old_start, coalesce(s.extra, d.trigger) AS old_trigger
),
new AS MATERIALIZED (
    SELECT lane.place, lane.tokens - t.tries AS tokens,
           CASE WHEN (t.through, t.through_id) < (lane.through, lane.through_id)
                THEN lane.through ELSE t.through END AS through,
           CASE WHEN (t.through, t.through_id) < (lane.through, lane.through_id)
                THEN lane.through_id ELSE t.through_id END AS through_id
    FROM lane JOIN (
        SELECT endpoint_id, count(*) AS tries,
               (array_agg(next_attempt_at ORDER BY next_attempt_at, id))[count(*)] AS through,
               (array_agg(id ORDER BY next_attempt_at, id))[count(*)] AS through_id
        FROM taken GROUP BY endpoint_id OFFSET 0
    ) AS t ON t.endpoint_id = lane.endpoint_id
),
written AS (
    UPDATE webhooks_lane l
    SET {through} = new.through, {through}_id = new.through_id,
        tokens = new.tokens, refilled_at = greatest(l.refilled_at, statement_timestamp())
    FROM new WHERE l.ctid = new.place
)
SELECT (SELECT count(*) FROM lane WHERE version IS NULL), (SELECT count(*) FROM put_off),
       EXISTS (SELECT FROM webhooks_extratry),
       (SELECT extract(epoch FROM statement_timestamp() - min(due))::float8 FROM lane),
       t.endpoint_id, t.id, t.message_id, t.attempt_count, t.step, t.started_at, t.spent, t.trigger,
       m.type, m.stream, m.sequence, m.body, t.old_claim, t.old_number, t.old_start, t.old_trigger,
       lane.endpoint_version
FROM (VALUES (1)) AS always
LEFT JOIN (taken t JOIN lane ON lane.endpoint_id = t.endpoint_id
           JOIN webhooks_message m ON m.id = t.message_id) ON TRUE
ORDER BY t.next_attempt_at, t.id
"""


def taking(kind: Kind) -> str:
    """SQL that claims up to %(limit)s of what is due of this kind; `webhooks.lanes` knows the result."""
    late = str(kind.late).upper()
    due = _DUE.format(
        unordered=free_ones(kind, "least(lane.room, (SELECT size FROM share))"),
        ordered=free_ones(kind, "least(lane.room, %(limit)s::integer) + %(ahead)s::integer"),
        waits_until=WAITS_UNTIL,
        late=late,
        free=FREE,
    )
    taken = _TAKEN.format(late=late, free=FREE, through=kind.through)
    return f"{lanes(kind)},{due}{taken}"
