"""What waits, and what needs a person: the lists that the admin shows, as figures."""

from collections import Counter
from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.metrics_core import Metric

from accounts.alerts import Kind
from config import alerts
from config.metrics.families import gauge


def needs() -> Iterator[Metric]:
    """Queues by their name, alerts by their kind: a constant number of statements."""
    waiting = alerts.queues()
    now = timezone.now()
    yield gauge(
        "queue_oldest_due_seconds",
        "For how long the first row that could be done now has been due; 0: nothing is due",
        ["queue"],
        [([one.name], one.waits(now).total_seconds()) for one in waiting],
    )
    yield gauge(
        "queue_patience_seconds",
        "For how long something of the queue may be due before that needs a person",
        ["queue"],
        [([one.name], one.patience.total_seconds()) for one in waiting],
    )
    found = Counter(one.kind for one in alerts.alerts(waiting))
    yield gauge(
        "alerts",
        "States that need a person, as the admin lists them: a thousand of a kind at most",
        ["kind"],
        [([kind.value], found[kind]) for kind in Kind],
    )
