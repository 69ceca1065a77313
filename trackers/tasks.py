"""Celery's side of polling: rows are the truth, a task is a nudge to look at them."""

import threading
from collections.abc import Callable
from functools import partial

from celery import shared_task

from carriers.closing import close_due
from carriers.reserving import forget as forget_days
from carriers.tallying import forget as forget_polls
from carriers.unmapped import forget_unseen
from events.retrying import apart
from trackers.advancing import advance
from trackers.carrier_accounts.telling import tell
from trackers.detection import settle_accounts
from trackers.dues import in_flight
from trackers.forgetting import BATCH, forget_outcomes
from trackers.forgetting import forget as forget_answers
from trackers.polling import Poller, is_more_to_do
from trackers.tallying import count as count_parcels_and_scans
from trackers.tallying import forget as forget_tallies
from webhooks import nudging
from webhooks.stopping import stop
from webhooks.tasks import publish

#: Seconds that one task polls for before it makes room for another.
BUDGET = 10.0
#: Seconds that one sweep spends on what carriers keep open for stopped trackers.
CLOSING_BUDGET = 3.0
#: Batches of what is too old that one run deletes, so that it ends; the next run goes on.
BATCHES = 50

#: Held while this process polls; set while somebody wants it to.
_polls = threading.Lock()
_asked_for = threading.Event()


@shared_task(name="trackers.poll_due")
def poll_due() -> None:
    """Poll what is due; then make room, and nudge if there is more."""
    nudging.begun(nudging.POLLS)
    _poll()


@shared_task(name="trackers.sweep")
def sweep() -> None:
    """Find accounts and couriers where there are none, tell of accounts, poll and close what is due.

    And delete a little of what is too old, in case that beat is dead. Accounts that the database does not let
    us settle at this moment keep nobody else from being polled.
    """
    apart(settle_accounts)
    tell()
    _poll()
    if stop.is_set():
        return  # a carrier that hangs would keep the process as long again
    close_due(CLOSING_BUDGET, in_flight)
    forget_answers()
    forget_outcomes()


def _poll() -> None:
    """Poll here, one run at a time of each process: two would share its processor and ask no faster.

    Where one goes on already, that one nudges for whoever asked meanwhile.
    """
    _asked_for.set()
    if not _polls.acquire(blocking=False):
        return
    try:
        _asked_for.clear()
        ended = Poller().run(BUDGET)
    finally:
        _polls.release()
    if _asked_for.is_set() or (ended and is_more_to_do()):
        nudge()


@shared_task(name="trackers.forget")
def forget() -> None:
    """Delete what is not kept any more: what carriers said, how asking turned out, counts, codes."""
    forget_days()
    forget_polls()
    forget_tallies()
    _in_batches(forget_answers)
    _in_batches(forget_outcomes)
    _in_batches(partial(forget_unseen, BATCH))


def _in_batches(delete: Callable[[], int]) -> None:
    for _ in range(BATCHES):
        if stop.is_set() or delete() < BATCH:
            return


@shared_task(name="trackers.remap")
def remap() -> None:
    """Go on with a remap that staff asked for; then make room, and come back if there is more."""
    if advance(BUDGET) and not stop.is_set():
        publish(remap)


@shared_task(name="trackers.count")
def count() -> None:
    """Count parcels by milestone and new scans, once a minute."""
    count_parcels_and_scans()


def nudge() -> None:
    """Ask a worker to poll now. Without a broker the next sweep does.

    However many ask before it begins, it is one task: under load, tasks that find nothing would be most of
    what workers do, and wait in Redis by the thousand.
    """
    if nudging.nudge(nudging.POLLS):
        publish(poll_due)


def nudge_accounts() -> None:
    """Ask a worker to look which account asks for what, after accounts changed. Else the next sweep does."""
    publish(sweep)


def nudge_remaps() -> None:
    """Ask a worker to go on with remaps. Else beat does, within the minute."""
    publish(remap)
