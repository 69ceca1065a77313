"""Celery's side of polling: rows are the truth, a task is a nudge to look at them."""

from celery import shared_task

from carriers.closing import close_due
from trackers.carrier_accounts.telling import tell
from trackers.detection import settle_accounts
from trackers.forgetting import BATCH
from trackers.forgetting import forget as forget_answers
from trackers.polling import Poller, is_more_to_do
from webhooks.stopping import stop
from webhooks.tasks import publish

#: Seconds that one task polls for before it makes room for another.
BUDGET = 10.0
#: Seconds that one sweep spends on what carriers keep open for stopped trackers.
CLOSING_BUDGET = 3.0
#: Batches of what is too old that one run deletes, so that it ends; the next run goes on.
BATCHES = 50


@shared_task(name="trackers.poll_due")
def poll_due() -> None:
    """Poll what is due; then make room, and nudge if there is more."""
    if Poller().run(BUDGET) and is_more_to_do():
        nudge()


@shared_task(name="trackers.sweep")
def sweep() -> None:
    """Find accounts and couriers where there are none, tell of accounts, poll and close what is due.

    And delete a little of what is too old, in case that beat is dead.
    """
    settle_accounts()
    tell()
    Poller().run(BUDGET)
    close_due(CLOSING_BUDGET)
    forget_answers()


@shared_task(name="trackers.forget")
def forget() -> None:
    """Delete what carriers said so long ago that it is not kept any more."""
    for _ in range(BATCHES):
        if stop.is_set() or forget_answers() < BATCH:
            return


def nudge() -> None:
    """Ask a worker to poll now. Without a broker the next sweep does."""
    publish(poll_due)


def nudge_accounts() -> None:
    """Ask a worker to look which account asks for what, after accounts changed. Else the next sweep does."""
    publish(sweep)
