"""What is kept of staff signing in, and for how long."""

from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.db.models.functions import Now

#: How long it is kept who signed in, and who failed to.
KEPT = timedelta(days=90)
#: Rows of each kind that go at a time: whoever tries passwords can make very many.
BATCH = 1_000


def forget() -> bool:
    """Delete sessions that have ended, and what was noted of signing in longer ago than KEPT, oldest first.

    BATCH of each at most; whether any kind may have more. Two statements of each, with what hangs on them.
    """
    ended = Session.objects.filter(expire_date__lt=Now()).order_by("expire_date")
    noted = (AccessAttempt, AccessFailureLog, AccessLog)
    old = [kind.objects.filter(attempt_time__lt=Now() - KEPT).order_by("attempt_time") for kind in noted]
    return max(_forget(rows) for rows in (ended, *old)) == BATCH


def _forget(rows: QuerySet[Any]) -> int:
    """The first of these rows; how many. One that is no more of them by then, since it was renewed, stays."""
    ids = list(rows.values_list("pk", flat=True)[:BATCH])
    rows.filter(pk__in=ids).order_by().delete()
    return len(ids)
