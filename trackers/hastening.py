"""News of a parcel brings forward polls that stand too far off: at its other couriers, and after a push.

A poll that ends decides on its own watch's next one; what it tells counts for the others too.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any

from django.db import connection

from trackers.comparing import Change, Ended
from trackers.deciding import after_news, seconds
from trackers.learned import Polled

# Who asks at this moment, or settles, decides by itself: nobody is waited for. After failures the carrier is
# given its time.
_HASTEN = """
WITH told AS (SELECT * FROM jsonb_to_recordset(%s) AS told (tracker uuid, delay float, urgency smallint)),
later AS MATERIALIZED (
    SELECT watch.id, told.delay, told.urgency
    FROM told JOIN trackers_watch AS watch ON watch.tracker_id = told.tracker
    WHERE watch.next_poll_at > clock_timestamp() + make_interval(secs => told.delay)
      AND watch.claim_id IS NULL AND watch.failures = 0 AND watch.id <> ALL(%s)
    ORDER BY watch.id FOR NO KEY UPDATE OF watch SKIP LOCKED
)
UPDATE trackers_watch AS watch
SET next_poll_at = clock_timestamp() + make_interval(secs => later.delay),
    urgency = least(watch.urgency, later.urgency)
FROM later WHERE watch.id = later.id
"""


def hasten(changed: Iterable[Change], ended: Collection[Ended]) -> None:
    """Bring forward the other polls of trackers that something new was told of.

    The caller holds the trackers, and has settled the polls that ended. One statement, none where the only
    watch of each tracker has just been polled.
    """
    wide = {one.tracker.id for one in ended if _reaches_others(one)}
    told = [row for change in changed if change.tracker.id in wide for row in _told(change)]
    settled = [one.learned.watch for one in ended if isinstance(one.learned, Polled)]
    if told:
        with connection.cursor() as cursor:
            cursor.execute(_HASTEN, [json.dumps(told), settled])


def _reaches_others(one: Ended) -> bool:
    return not isinstance(one.learned, Polled) or one.learned.settled.claim.others


def _told(change: Change) -> Iterable[dict[str, Any]]:
    tracker, now = change.tracker, change.events[0].recorded_at
    if not tracker.is_tracked or now not in {tracker.news_at, tracker.milestone_at}:
        return
    decision = after_news(tracker, min(change.couriers), now)
    if decision.delay is not None:
        yield {"tracker": str(tracker.id), "delay": seconds(decision), "urgency": decision.urgency}
