"""What has been due for too long: it goes at the late pace, so that new first tries do not wait behind it."""

import logging
import time
from collections.abc import Callable
from functools import partial

from django.db import InterfaceError, OperationalError

from accounts.binary import number
from accounts.running import Job, running
from events.retrying import once_more_running
from webhooks.heads import EARLY, FREE, free_ones, lanes

logger = logging.getLogger(__name__)

#: Seconds for which a first try may have been due while more is due than is sent.
BEHIND = 5.0
#: First tries that a pump leaves to the late pace in one statement.
MARKED = 10_000

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


class Backlog:
    """What a pump does about first tries that have been due for too long: it leaves them to the late pace.

    A share of them at a time, claims coming between. What became due after the pump fell behind stays as it
    is. `tell_late` is called when all are marked, not before: what is sent meanwhile would delay the marking,
    which news waits for.
    """

    def __init__(self, tell_late: Callable[[], None]) -> None:
        self._tell_late = tell_late
        self._since: float | None = None
        #: Whether `marking` is to be done before the next claim.
        self.is_to_be_marked = False

    def note(self, overdue: float) -> None:
        """A claim could have taken more; of what it took, the first had been due for so many seconds."""
        if overdue > BEHIND:
            self._since, self.is_to_be_marked = self._since or time.monotonic(), True

    def marking(self) -> Job[None]:
        """Mark the next share. A database that is away is left alone: the next claim asks again."""
        self.is_to_be_marked = False
        behind = time.monotonic() - (self._since or 0.0)
        try:
            marked = yield from once_more_running(partial(marking, MARKED, BEHIND + behind))
        except (OperationalError, InterfaceError) as error:
            logger.warning("first tries are not left to the late pace: %s", error)
            return
        if marked < MARKED:
            self._since = None
            self._tell_late()
