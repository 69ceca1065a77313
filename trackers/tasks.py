"""Celery's side of polling: rows are the truth, a task is a nudge to look at them."""

from celery import shared_task

from trackers.detection import settle_accounts
from trackers.polling import Poller
from webhooks.tasks import publish

#: Seconds that one task polls for before it makes room for another.
BUDGET = 10.0


@shared_task(name="trackers.poll_due")
def poll_due() -> None:
    """Poll what is due."""
    Poller().run(BUDGET)


@shared_task(name="trackers.sweep")
def sweep() -> None:
    """Find accounts for watches and couriers for trackers that have none, then poll what is due."""
    settle_accounts()
    Poller().run(BUDGET)


def nudge() -> None:
    """Ask a worker to poll now. Without a broker the next sweep does."""
    publish(poll_due)
