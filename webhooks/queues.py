"""What webhooks owe, and since when the first of it could be done."""

from datetime import datetime, timedelta

from django.db.models import Min, Q
from django.db.models.functions import Now

from accounts.queues import Queue
from webhooks import notices
from webhooks.claims import oldest_due
from webhooks.models import Endpoint, Recovery
from webhooks.paces import Pace


def queues() -> list[Queue]:
    """Deliveries by their pace, e-mails and recoveries. What an endpoint holds up by itself is not late."""
    deliveries = "webhooks_delivery_changelist"
    return [
        Queue("first tries", oldest_due([Pace.FIRST]), timedelta(minutes=1), deliveries),
        Queue("late retries", oldest_due([Pace.LATE]), timedelta(minutes=10), deliveries),
        Queue("notices", notices.oldest_due(), timedelta(minutes=30), "webhooks_notice_changelist"),
        Queue("recoveries", _recoveries(), timedelta(minutes=1), "webhooks_recovery_changelist"),
    ]


def _recoveries() -> datetime | None:
    active = Q(endpoint__state=Endpoint.State.ACTIVE) | Q(endpoint__deleted_at__isnull=False)
    due = Recovery.objects.filter(active, state=Recovery.State.RUNNING, next_batch_at__lte=Now())
    since: datetime | None = due.aggregate(since=Min("next_batch_at"))["since"]
    return since
