"""What Celery runs. Rows with due times are the truth; a message is only a nudge."""

import logging
import time

from celery import Task, shared_task
from kombu.exceptions import KombuError

from webhooks import holding
from webhooks.claims import oldest_due
from webhooks.pump import run

logger = logging.getLogger(__name__)

#: Seconds that one task claims; then it makes room, and nudges if there is more.
BUDGET = 10.0
#: Seconds that a broker which did not answer is left alone.
QUIET = 5.0

_quiet_until: dict[str, float] = {}


@shared_task(name="webhooks.pump")
def pump() -> None:
    """Send what is due."""
    if run(BUDGET) and oldest_due():
        nudge()


@shared_task(name="webhooks.sweep")
def sweep() -> None:
    """Put deliveries in order with their endpoints, and send what a lost nudge left behind."""
    while holding.reconcile():
        pass
    if oldest_due():
        pump()


def nudge() -> None:
    """Ask a worker to send now. Without a broker the next sweep does."""
    publish(pump)


def publish(task: Task[[], None]) -> None:
    """Put a task without arguments on its queue; never raises. Call it after the commit.

    A broker that does not answer costs one connect, then is left alone for a while: the sweeps find the rows.
    """
    now = time.monotonic()
    if now < _quiet_until.get(task.name, now):
        return
    try:
        task.apply_async(retry=False)
    except (KombuError, OSError) as error:
        _quiet_until[task.name] = now + QUIET
        logger.warning("%s was not published, the sweep will find the rows: %s", task.name, error)
