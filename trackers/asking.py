"""A merchant asks for a poll now."""

from django.conf import settings
from django.db import connection, transaction

from accounts.errors import ApiError
from trackers import tasks
from trackers.models import Tracker

# The moment of asking is what a poll under way compares with its own start, so that it cannot swallow this.
_ASK = """
WITH asked AS (
    UPDATE trackers_watch SET poll_requested_at = clock_timestamp(), next_poll_at = clock_timestamp()
    WHERE tracker_id = %(tracker)s AND NOT EXISTS (
        SELECT FROM trackers_watch recent WHERE recent.tracker_id = %(tracker)s
        AND recent.poll_requested_at > clock_timestamp() - make_interval(secs => %(interval)s))
    RETURNING id
)
SELECT (SELECT count(*) FROM asked), extract(epoch FROM
    max(poll_requested_at) + make_interval(secs => %(interval)s) - clock_timestamp())
FROM trackers_watch WHERE tracker_id = %(tracker)s
"""


def poll_now(tracker: Tracker) -> None:
    """Make every watch of a subscribed tracker due, delivered or stopped ones too.

    Raises ApiError: 400 `tracker_not_updatable` (unsubscribed), 429 (asked within POLL_NOW_MIN_INTERVAL).
    """
    if not tracker.is_subscribed:
        raise ApiError(400, "tracker_not_updatable", "This tracker is not subscribed any more.")
    with transaction.atomic():
        Tracker.objects.select_for_update(no_key=True).only("id").get(id=tracker.id)
        with connection.cursor() as cursor:
            cursor.execute(_ASK, {"tracker": tracker.id, "interval": settings.POLL_NOW_MIN_INTERVAL})
            asked, wait = cursor.fetchone()
        transaction.on_commit(tasks.nudge, robust=True)
    if not asked and wait is not None:
        seconds = max(1, int(wait) + 1)
        raise ApiError(
            429,
            "too_many_requests",
            f"This tracker was polled by request less than {settings.POLL_NOW_MIN_INTERVAL} s ago.",
            {"Retry-After": str(seconds)},
        )
