"""What Celery runs. Rows with due times are the truth; a message is only a nudge."""

import logging
import time
from collections.abc import Callable
from functools import cache, partial

from celery import Celery, Task, shared_task
from kombu.exceptions import KombuError
from kombu.pools import ProducerPool, producers

from events.retrying import apart
from webhooks import expiring, holding, notices, recovering, retention, stats
from webhooks.claims import oldest_due
from webhooks.lanes import next_token
from webhooks.pump import run
from webhooks.stopping import stop

logger = logging.getLogger(__name__)

#: Seconds that one task claims; then it makes room, and nudges if there is more.
BUDGET = 10.0
#: Batches of recoveries that a task or a sweep makes: deliveries that are due must not wait for them.
RECOVERED = 5
#: Seconds in which a task deletes what is too old; half of them it rests.
FORGETTING = 20.0
#: Seconds that a broker which did not answer is left alone.
QUIET = 5.0

#: Seconds that publishing waits for a broker that does not answer.
PATIENCE = 0.25
#: A connection that the broker closed meanwhile is opened anew, once.
_RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0}

#: time.monotonic() until which the broker is left alone.
_quiet_until = [0.0]


@shared_task(name="webhooks.pump")
def pump() -> None:
    """Send what is due."""
    # Not where it could send nothing: whatever is due then is held by others, who see to it.
    if run(BUDGET) and (oldest_due() or next_token() is not None):
        nudge()


@shared_task(name="webhooks.sweep")
def sweep() -> None:
    """Put deliveries in order with their endpoints, send what lost nudges left behind, end what is old.

    What the database refuses of the first and the last holds up nothing else.
    """
    apart(partial(_go_on, holding.reconcile))
    if notices.are_due():
        publish(send_notices)
    apart(_recover)
    if oldest_due():
        pump()
    apart(partial(_go_on, expiring.expire))
    stats.forget()
    retention.forget(0)  # a batch of each kind, so that nothing grows for ever where beat is dead


@shared_task(name="webhooks.recover")
def recover() -> None:
    """Make due what recoveries ask for, then make room, and nudge if there is more."""
    _recover()
    if oldest_due():
        nudge()


def _go_on(batch: Callable[[], int]) -> None:
    """Until nothing is left, or as long as a pump claims: what is due must not wait for a million rows."""
    until = time.monotonic() + BUDGET
    while batch() and time.monotonic() < until and not stop.is_set():
        pass


def _recover() -> None:
    if recovering.run(RECOVERED):
        publish(recover)


@shared_task(name="webhooks.forget")
def forget() -> None:
    """Delete what was kept for long enough; the next minute goes on."""
    retention.forget(FORGETTING)


@shared_task(name="webhooks.send_notices")
def send_notices() -> None:
    """Send the e-mails that are due."""
    notices.send(BUDGET)


def nudge() -> None:
    """Ask a worker to send now. Without a broker the next sweep does."""
    publish(pump)


def publish(task: Task[[], None]) -> None:
    """Put a task without arguments on its queue; never raises. Call it after the commit.

    A broker that does not answer costs one connect, then is left alone for a while: the sweeps find the rows.
    """
    if time.monotonic() < _quiet_until[0]:
        return
    try:
        with _producers(task.app).acquire(block=True, timeout=PATIENCE) as producer:
            task.apply_async(producer=producer, retry=True, retry_policy=_RETRY)
    except (KombuError, OSError) as error:
        _quiet_until[0] = time.monotonic() + QUIET
        logger.warning("%s was not published, the sweep will find the rows: %s", task.name, error)


@cache
def _producers(app: Celery) -> ProducerPool:
    """Connections of their own: a worker's wait for messages, and these must not wait for anything."""
    options = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, "max_retries": 0}
    pool: ProducerPool = producers[app.connection_for_write(transport_options=options)]
    return pool
