"""What a restored database needs before anything works on it."""

from django.db import connection
from django.db.models.functions import Now

from webhooks.models import Endpoint

#: Positions of the log that are left out: more than can have been given out since any backup was made. Who
#: reads the feed may have seen some of those, and would pass by as many new events.
LEFT_OUT = 1_000_000_000

_MOVE_ON = """
SELECT setval(
    pg_get_serial_sequence('events_event', 'position'),
    greatest(nextval(pg_get_serial_sequence('events_event', 'position')),
             (SELECT coalesce(max(position), 0) FROM events_event)) + %(left_out)s
)
"""


def move_on() -> int:
    """Let the log go on far behind every position that was ever given out. Returns the last one left out.

    One statement, that only the role which owns the log may make.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_ON, {"left_out": LEFT_OUT})
        position: int = cursor.fetchone()[0]
    return position


def pause_endpoints() -> int:
    """Pause every active endpoint: what it is owed is held until it is enabled. Returns how many."""
    active = Endpoint.objects.filter(state=Endpoint.State.ACTIVE, deleted_at=None)
    return active.update(state=Endpoint.State.PAUSED, paused_at=Now())
