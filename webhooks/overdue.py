"""What has been due for too long: it goes at the late pace, so that new first tries do not wait behind it."""

from accounts.binary import number
from accounts.running import Job, running, to_end
from webhooks.heads import EARLY, FREE, free_ones, lanes

#: Seconds for which a first try may have been due while more is due than is sent.
BEHIND = 5.0

# Of lanes of which some may start, a share of each: what others have keeps nobody waiting. Due as of now:
# late rows that come before what is under way would be read by each claim. Microseconds keep the order.
_MARK = f"""{lanes(EARLY)},
share AS MATERIALIZED (
    SELECT 1 + 2 * %(limit)s::integer / greatest(count(*), 1)::integer AS size FROM lane
),
old AS MATERIALIZED (
    SELECT d.place, d.next_attempt_at, d.id
    FROM lane CROSS JOIN LATERAL ({free_ones(EARLY, "(SELECT size FROM share)")}) AS d
    WHERE d.next_attempt_at < statement_timestamp() - %(behind)s::float8 * interval '1 second'
    ORDER BY d.next_attempt_at, d.id LIMIT %(limit)s::integer
),
locked AS MATERIALIZED (
    SELECT d.ctid AS place, old.next_attempt_at, old.id
    FROM old JOIN webhooks_delivery d ON d.ctid = old.place
    WHERE d.state = 'pending' AND NOT d.late AND {FREE}
    FOR NO KEY UPDATE OF d SKIP LOCKED
),
marked AS (
    UPDATE webhooks_delivery d
    SET late = TRUE, next_attempt_at = numbered.moment + numbered.nth * interval '1 microsecond'
    FROM (
        SELECT place, row_number() OVER (ORDER BY next_attempt_at, id) AS nth,
               (SELECT clock_timestamp()) AS moment
        FROM locked
    ) AS numbered
    WHERE d.ctid = numbered.place
    RETURNING d.id
)
SELECT count(*) FROM marked
"""  # noqa: S608 - constants only


def marking(limit: int, seconds: float = BEHIND) -> Job[int]:
    """Make first tries late that have been due for so many seconds, the oldest of each lane, `limit` at most.

    One statement; what somebody sends or holds is left alone, as are endpoints that take no more now and slow
    ones. Returns how many; 0: there are none.
    """
    rows = yield from running(_MARK, {"limit": limit, "behind": seconds})
    return number(rows[0][0])


def mark(limit: int) -> int:
    """`marking`, all of it now."""
    return to_end(marking(limit))
