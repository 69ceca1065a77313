"""What is kept of staff signing in, and for how long."""

from datetime import timedelta

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.sessions.models import Session
from django.db.models.functions import Now

#: How long it is kept who signed in, and who failed to.
KEPT = timedelta(days=90)


def forget() -> None:
    """Delete sessions that have ended, and what was noted of signing in longer ago than KEPT."""
    Session.objects.filter(expire_date__lt=Now()).delete()
    for noted in (AccessAttempt, AccessFailureLog, AccessLog):
        noted.objects.filter(attempt_time__lt=Now() - KEPT).delete()
