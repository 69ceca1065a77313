"""Celery's side of polling: rows are the truth, a task is a nudge to look at them."""

from celery import shared_task

from carriers.closing import close_due
from trackers.carrier_accounts.telling import tell
from trackers.detection import settle_accounts
from trackers.polling import Poller
from webhooks.tasks import publish

#: Seconds that one task polls for before it makes room for another.
BUDGET = 10.0
#: Seconds that one sweep spends on what carriers keep open for stopped trackers.
CLOSING_BUDGET = 3.0


@shared_task(name="trackers.poll_due")
def poll_due() -> None:
    """Poll what is due."""
    Poller().run(BUDGET)


@shared_task(name="trackers.sweep")
def sweep() -> None:
    """Find accounts and couriers where there are none, tell of accounts, poll and close what is due."""
    settle_accounts()
    tell()
    Poller().run(BUDGET)
    close_due(CLOSING_BUDGET)


def nudge() -> None:
    """Ask a worker to poll now. Without a broker the next sweep does."""
    publish(poll_due)


def nudge_accounts() -> None:
    """Ask a worker to look which account asks for what, after accounts changed. Else the next sweep does."""
    publish(sweep)
