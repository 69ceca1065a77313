"""A merchant asks for a poll now."""

from functools import partial

from django.conf import settings
from django.db import connection, transaction

from accounts.errors import ApiError, not_found
from events.conflicts import or_conflict
from trackers import tasks
from trackers.models import Tracker

# The moment of asking is what a poll under way compares with its own start, so that it cannot swallow this.
# A watch that is due already keeps its place among the most urgent.
_ASK = """
WITH held AS MATERIALIZED (
    SELECT id, poll_requested_at FROM trackers_watch WHERE tracker_id = %(tracker)s
    ORDER BY id FOR NO KEY UPDATE
),
asked AS (
    UPDATE trackers_watch AS watch
    SET poll_requested_at = clock_timestamp(),
        next_poll_at = least(watch.next_poll_at, clock_timestamp()), urgency = 0
    FROM held WHERE watch.id = held.id AND NOT EXISTS (
        SELECT FROM held AS recent
        WHERE recent.poll_requested_at > clock_timestamp() - make_interval(secs => %(interval)s))
    RETURNING watch.id
)
SELECT (SELECT count(*) FROM asked), extract(epoch FROM
    max(poll_requested_at) + make_interval(secs => %(interval)s) - clock_timestamp())
FROM held
"""


def poll_now(tracker: Tracker) -> None:
    """Make every watch of a subscribed tracker due, delivered or stopped ones too.

    Raises ApiError: 400 `tracker_not_updatable` (unsubscribed), 429 (asked within POLL_NOW_MIN_INTERVAL), 409
    `request_conflict` (its rows were held by others for too long).
    """
    _refuse(tracker)
    asked, wait = or_conflict(partial(_ask, tracker))
    if not asked and wait is not None:
        seconds = max(1, int(wait) + 1)
        raise ApiError(
            429,
            "too_many_requests",
            f"This tracker was polled by request less than {settings.POLL_NOW_MIN_INTERVAL:g} s ago.",
            {"Retry-After": str(seconds)},
        )


def _refuse(tracker: Tracker | None) -> None:
    """It may have been deleted or unsubscribed a moment ago."""
    if tracker is None:
        raise not_found("tracker_not_found", "Tracker not found.")
    if not tracker.is_subscribed:
        raise ApiError(400, "tracker_not_updatable", "This tracker is not subscribed any more.")


def _ask(tracker: Tracker) -> tuple[int, float | None]:
    """How many watches were made due, and else the seconds until they may be."""
    with transaction.atomic():
        _refuse(
            Tracker.objects.select_for_update(no_key=True).only("is_subscribed").filter(id=tracker.id).first()
        )
        with connection.cursor() as cursor:
            cursor.execute(_ASK, {"tracker": tracker.id, "interval": settings.POLL_NOW_MIN_INTERVAL})
            asked, wait = cursor.fetchone()
        transaction.on_commit(tasks.nudge, robust=True)
    return asked, wait
