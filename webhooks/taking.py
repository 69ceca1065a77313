"""SQL of a claim: what may start of the lanes is locked, written to, and read with its messages, at once."""

from webhooks.cutting_off import TAKEN_OVER
from webhooks.heads import FREE, Kind, free_ones, lanes
from webhooks.ordering import WAITS_UNTIL

# `waits_until` is null of what may start. Of ordered endpoints more is looked at, since some of it waits.
_DUE = """
due AS MATERIALIZED (
    SELECT lane.endpoint_id, d.id, d.place, d.next_attempt_at, NULL::timestamptz AS waits_until
    FROM lane CROSS JOIN LATERAL ({unordered}) AS d
    WHERE NOT lane.ordered
    UNION ALL
    SELECT lane.endpoint_id, slot.id, slot.place, slot.next_attempt_at, slot.waits_until
    FROM lane CROSS JOIN LATERAL (
        SELECT first.*, count(*) FILTER (WHERE first.waits_until IS NULL) OVER (
                   ORDER BY first.next_attempt_at, first.id) AS nth
        FROM (
            SELECT d.*, {waits_until} AS waits_until FROM ({ordered}) AS d
        ) AS first
    ) AS slot
    WHERE lane.ordered AND (slot.waits_until IS NOT NULL OR slot.nth <= lane.room)
),
chosen AS MATERIALIZED (
    (SELECT * FROM due WHERE waits_until IS NULL ORDER BY next_attempt_at, id LIMIT %(limit)s::integer)
    UNION ALL
    (SELECT * FROM due WHERE waits_until IS NOT NULL LIMIT %(ahead)s::integer)
),"""

# `xmin` changes with every write: a lane that another wrote to since this statement began is not `ours`.
# Rows are found by their places, once each: a row that moved since is another's, and left. `own`: a try of
# the schedule was cut off, which it is forgiven so often; `spent`: once too often, so that it is settled as
# a failed try instead of being sent again. One that was taken over from an extra try leaves that one to be
# made again, cut off once more.
_TAKEN = """
ours AS MATERIALIZED (
    SELECT l.endpoint_id
    FROM webhooks_lane l JOIN lane ON lane.endpoint_id = l.endpoint_id AND lane.version = l.xmin
    WHERE l.ctid = ANY (ARRAY(
        SELECT place FROM lane WHERE endpoint_id IN (SELECT endpoint_id FROM chosen) AND version IS NOT NULL))
    FOR NO KEY UPDATE OF l SKIP LOCKED
),
locked AS MATERIALIZED (
    SELECT d.id, d.ctid AS place, d.claim_id, d.attempt_count, d.started_at, d.trigger, d.abandoned_count,
           CASE WHEN d.claim_id IS NOT NULL THEN (
               SELECT x.trigger FROM webhooks_extratry x
               WHERE x.delivery_id = d.id AND x.claim_id = d.claim_id
           ) END AS extra
    FROM webhooks_delivery d
    WHERE d.ctid = ANY (ARRAY(SELECT chosen.place FROM chosen JOIN ours USING (endpoint_id)))
      AND d.state = 'pending' AND d.late = {late} AND d.next_attempt_at <= statement_timestamp() AND {free}
    FOR NO KEY UPDATE SKIP LOCKED
),
start AS MATERIALIZED (
    SELECT l.place, l.claim_id AS old_claim, l.attempt_count AS old_number, l.started_at AS old_start,
           coalesce(l.extra, l.trigger) AS old_trigger, l.claim_id IS NOT NULL AND l.extra IS NULL AS own,
           l.claim_id IS NOT NULL AND l.extra IS NULL AND l.abandoned_count >= %(forgiven)s::integer AS spent
    FROM locked l JOIN chosen c ON c.id = l.id WHERE c.waits_until IS NULL
),
put_off AS (
    UPDATE webhooks_delivery d SET next_attempt_at = c.waits_until
    FROM locked l JOIN chosen c ON c.id = l.id WHERE d.ctid = l.place AND c.waits_until IS NOT NULL
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
              d.next_attempt_at, s.old_claim, s.old_number, s.old_start, s.old_trigger
),{taken_over},
freed AS (
    UPDATE webhooks_extratry x SET claim_id = NULL, abandoned_count = x.abandoned_count + 1
    FROM cut_off c WHERE x.delivery_id = c.id AND x.claim_id = c.old_claim
),
new AS (
    SELECT t.endpoint_id, count(*) AS tries,
           (array_agg(t.next_attempt_at ORDER BY t.next_attempt_at, t.id))[count(*)] AS through,
           (array_agg(t.id ORDER BY t.next_attempt_at, t.id))[count(*)] AS through_id
    FROM taken t GROUP BY t.endpoint_id
),
written AS (
    UPDATE webhooks_lane l
    SET {through} = last.through, {through}_id = last.through_id,
        tokens = lane.tokens - new.tries, refilled_at = greatest(l.refilled_at, statement_timestamp())
    FROM new JOIN lane ON lane.endpoint_id = new.endpoint_id
    CROSS JOIN LATERAL (
        SELECT * FROM (VALUES (new.through, new.through_id), (lane.through, lane.through_id))
            AS either (through, through_id)
        ORDER BY through DESC NULLS LAST, through_id DESC LIMIT 1
    ) AS last
    WHERE l.ctid = lane.place
)
SELECT (SELECT count(*) FROM lane WHERE version IS NULL), (SELECT count(*) FROM put_off),
       (SELECT extract(epoch FROM statement_timestamp() - min(due))::float8 FROM lane),
       t.endpoint_id, t.id, t.message_id, t.attempt_count, t.step, t.started_at, t.spent, t.trigger,
       m.type, m.stream, m.sequence, m.body, lane.endpoint_version
FROM (VALUES (1)) AS always
LEFT JOIN (taken t JOIN lane ON lane.endpoint_id = t.endpoint_id
           JOIN webhooks_message m ON m.id = t.message_id) ON TRUE
ORDER BY t.next_attempt_at, t.id
"""


def taking(kind: Kind) -> str:
    """SQL that claims up to %(limit)s of what is due of this kind; `webhooks.lanes` knows the result."""
    due = _DUE.format(
        unordered=free_ones(kind, "least(lane.room, %(limit)s::integer)"),
        ordered=free_ones(kind, "least(lane.room, %(limit)s::integer) + %(ahead)s::integer"),
        waits_until=WAITS_UNTIL,
    )
    taken = _TAKEN.format(late=str(kind.late).upper(), free=FREE, through=kind.through, taken_over=TAKEN_OVER)
    return f"{lanes(kind)},{due}{taken}"
