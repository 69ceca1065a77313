"""SQL of a claim: what may start of the lanes is locked, written to, and read with its messages, at once."""

from webhooks.cutting_off import TAKEN_OVER
from webhooks.heads import FREE, RECENT, Kind, free_ones, lanes
from webhooks.ordering import WAITS_UNTIL

#: Tries that start within one step of the clock are remembered together, by the last of them.
_STEP = "interval '50 milliseconds'"

# What is known of a lane goes with its rows from step to step: the planner expects a row or two everywhere,
# and would look up each of hundreds by reading all of the others.
_OF_LANE = "lane.place AS lane, lane.endpoint_version, lane.limited, lane.through, lane.through_id"

# Of many lanes each gives twice its share at first. Where that was not all it has, and what is due longest of
# all may be among the rest, that is read too. Of ordered endpoints more is looked at, since some of it waits:
# `waits_until` is null of what may start.
_DUE = """
share AS MATERIALIZED (
    SELECT 1 + 2 * %(limit)s::integer / greatest(count(*), 1)::integer AS size FROM lane
),
first AS MATERIALIZED (
    SELECT {of_lane}, lane.room, lane.endpoint_id, d.id, d.place, d.next_attempt_at, d.nth
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
    SELECT lane, endpoint_version, limited, through, through_id, id, place, next_attempt_at,
           NULL::timestamptz AS waits_until
    FROM first
    UNION ALL
    SELECT f.lane, f.endpoint_version, f.limited, f.through, f.through_id, d.id, d.place, d.next_attempt_at,
           NULL
    FROM share JOIN first f ON f.nth = share.size AND f.room > share.size CROSS JOIN LATERAL (
        SELECT d.id, d.ctid AS place, d.next_attempt_at FROM webhooks_delivery d
        WHERE d.endpoint_id = f.endpoint_id AND d.state = 'pending' AND d.late = {late}
          AND (d.next_attempt_at, d.id) > (f.next_attempt_at, f.id)
          AND d.next_attempt_at <= least((SELECT due FROM enough), statement_timestamp()) AND {free}
        ORDER BY d.next_attempt_at, d.id
        LIMIT greatest(least(f.room, %(limit)s::integer) - share.size, 0)
    ) AS d
    UNION ALL
    SELECT {of_lane}, slot.id, slot.place, slot.next_attempt_at, slot.waits_until
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
# Rows are found by their places: one that moved since is another's, and left. IS TRUE has what it asks about
# looked up in a hash. `own`: a try of the schedule was cut off, which it is forgiven so often; `spent`: once
# too often, so that it is settled as a failed try instead of being sent again. One that was taken over from
# an extra try leaves that one to be made again, cut off once more. Where there is a rate limit, the lane is
# told of a time at which all of these had begun, so that none of them stops to count too early.
_TAKEN = """
ours AS MATERIALIZED (
    SELECT l.ctid AS place
    FROM lane JOIN webhooks_lane l ON l.ctid = lane.place AND lane.version = l.xmin
    WHERE (lane.place IN (SELECT lane FROM chosen)) IS TRUE
    FOR NO KEY UPDATE OF l SKIP LOCKED
),
locked AS MATERIALIZED (
    SELECT c.lane, c.endpoint_version, c.limited, c.through, c.through_id, c.waits_until,
           d.ctid AS place, d.claim_id, d.attempt_count, d.started_at, d.trigger, d.abandoned_count,
           CASE WHEN d.claim_id IS NOT NULL THEN (
               SELECT x.trigger FROM webhooks_extratry x
               WHERE x.delivery_id = d.id AND x.claim_id = d.claim_id
           ) END AS extra
    FROM chosen c JOIN webhooks_delivery d ON d.ctid = c.place
    WHERE (c.lane IN (SELECT place FROM ours)) IS TRUE
      AND d.state = 'pending' AND d.late = {late} AND d.next_attempt_at <= statement_timestamp() AND {free}
    FOR NO KEY UPDATE OF d SKIP LOCKED
),
start AS MATERIALIZED (
    SELECT l.*, coalesce(l.extra, l.trigger) AS old_trigger,
           l.claim_id IS NOT NULL AND l.extra IS NULL AS own,
           l.claim_id IS NOT NULL AND l.extra IS NULL AND l.abandoned_count >= %(forgiven)s::integer AS spent
    FROM locked l WHERE l.waits_until IS NULL
),
put_off AS (
    UPDATE webhooks_delivery d SET next_attempt_at = l.waits_until
    FROM locked l WHERE d.ctid = l.place AND l.waits_until IS NOT NULL
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
              d.next_attempt_at, s.claim_id AS old_claim, s.attempt_count AS old_number,
              s.started_at AS old_start, s.old_trigger,
              s.lane, s.endpoint_version, s.limited, s.through, s.through_id
),{taken_over},
freed AS (
    UPDATE webhooks_extratry x SET claim_id = NULL, abandoned_count = x.abandoned_count + 1
    FROM cut_off c WHERE x.delivery_id = c.id AND x.claim_id = c.old_claim
),
new AS MATERIALIZED (
    SELECT lane, limited, clock_timestamp() AS at, count(*)::integer AS tries, through, through_id,
           (array_agg(next_attempt_at ORDER BY next_attempt_at, id))[count(*)] AS last,
           (array_agg(id ORDER BY next_attempt_at, id))[count(*)] AS last_id
    FROM taken GROUP BY lane, limited, through, through_id
),
written AS (
    UPDATE webhooks_lane l
    SET ({through}, {through}_id) = (
            SELECT CASE WHEN is_further THEN new.through ELSE new.last END,
                   CASE WHEN is_further THEN new.through_id ELSE new.last_id END
            FROM (SELECT (new.through, new.through_id) > (new.last, new.last_id) AS is_further) AS held
        ),
        (recent_at, recent) = (
            SELECT array_agg(at ORDER BY at), array_agg(tries ORDER BY at)
            FROM (
                SELECT max(at) AS at, sum(tries)::integer AS tries
                FROM (SELECT at, tries FROM {recent} AS r UNION ALL SELECT new.at, new.tries) AS each
                GROUP BY date_bin({step}, at, 'epoch')
            ) AS steps
            WHERE new.limited
        )
    FROM new WHERE l.ctid = new.lane
)
SELECT (SELECT count(*) FROM lane WHERE version IS NULL), (SELECT count(*) FROM put_off),
       (SELECT extract(epoch FROM statement_timestamp() - min(due))::float8 FROM lane),
       t.endpoint_id, t.id, t.message_id, t.attempt_count, t.step, t.started_at, t.spent, t.trigger,
       m.type, m.stream, m.sequence, m.body, t.endpoint_version
FROM (VALUES (1)) AS always
LEFT JOIN (taken t JOIN webhooks_message m ON m.id = t.message_id) ON TRUE
ORDER BY t.next_attempt_at, t.id
"""


def taking(kind: Kind) -> str:
    """SQL that claims up to %(limit)s of what is due of this kind; `webhooks.lanes` knows the result."""
    late = str(kind.late).upper()
    due = _DUE.format(
        unordered=free_ones(kind, "least(lane.room, (SELECT size FROM share))"),
        ordered=free_ones(kind, "least(lane.room, %(limit)s::integer) + %(ahead)s::integer"),
        waits_until=WAITS_UNTIL,
        of_lane=_OF_LANE,
        late=late,
        free=FREE,
    )
    taken = _TAKEN.format(
        late=late, free=FREE, through=kind.through, taken_over=TAKEN_OVER, recent=RECENT, step=_STEP
    )
    return f"{lanes(kind)},{due}{taken}"
