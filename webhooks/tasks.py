"""What Celery runs. Rows with due times are the truth; a message is only a nudge."""

import logging
import time
from collections.abc import Callable
from functools import cache, partial

from celery import Celery, Task, shared_task
from django.conf import settings
from kombu.exceptions import KombuError
from kombu.pools import ProducerPool, producers

from events.retrying import apart
from webhooks import (
    expiring,
    holding,
    notices,
    nudging,
    recovering,
    reporting,
    retention,
    stats,
    summing,
)
from webhooks.claims import oldest_due
from webhooks.lanes import rate_allows_in
from webhooks.nudging import Ear
from webhooks.paces import Pace
from webhooks.pump import run
from webhooks.stopping import stop

logger = logging.getLogger(__name__)

#: Seconds that one task claims; then it makes room, and nudges if there is more.
BUDGET = 10.0
#: The same where nothing else waits for room. A task that is not over within the broker's visibility timeout
#: of ten minutes is given out once more.
BUDGET_ALONE = 300.0
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
#: time.monotonic() until which the pump of this process claims.
_busy_until = [0.0]


@shared_task(name="webhooks.pump")
def pump() -> None:
    """Send first tries that are due."""
    _send(Pace.FIRST)


@shared_task(name="webhooks.pump_late")
def pump_late() -> None:
    """Send what is late and due."""
    _send(Pace.LATE)


@shared_task(name="webhooks.sweep")
def sweep() -> None:
    """Put deliveries in order with their endpoints, go on with recoveries, end what is old.

    What the database refuses of one part holds up nothing else.
    """
    apart(_reconcile)
    if notices.are_due():
        publish(send_notices)
    apart(_recover)
    apart(partial(_go_on, expiring.expire))
    stats.forget()
    retention.forget(0)  # a batch of each kind, so that nothing grows for ever where beat is dead


@shared_task(name="webhooks.recover")
def recover() -> None:
    """Make due what recoveries ask for, then make room, and nudge if there is more."""
    _recover()
    _nudge_for_what_is_due()


def _recover() -> None:
    if recovering.run(RECOVERED):
        publish(recover)


def _reconcile() -> None:
    if _go_on(holding.reconcile):
        _nudge_for_what_is_due()


def _nudge_for_what_is_due() -> None:
    for pace in Pace:
        if oldest_due([pace]):
            nudge(pace)


def _go_on(batch: Callable[[], int]) -> bool:
    """Until nothing is left, or for BUDGET seconds: a million rows hold up nothing else. Whether any was."""
    until = time.monotonic() + BUDGET
    did = 0
    while (done := batch()) and time.monotonic() < until and not stop.is_set():
        did += done
    return bool(did + done)


def _send(pace: Pace) -> None:
    """Pump here, at each pace that this worker takes: a lingering pump would keep the other one out.

    One pump at a time of each process: a second one would send nothing more. The one that runs hears of it.
    """
    if time.monotonic() < _busy_until[0]:
        nudge(pace)
        return
    paces = [each for each, task in _PUMPS.items() if each is pace or is_taken_here(task)]
    # No task but theirs waits for a worker that takes these alone.
    budget = BUDGET if is_taken_here(sweep) else BUDGET_ALONE
    _busy_until[0] = until = time.monotonic() + budget
    ear = Ear(*paces)
    ear.begin()
    try:
        tries = run(budget, paces, ear, partial(nudge, Pace.LATE))
    finally:
        missed = ear.end()
        reporting.leave()
        if _busy_until[0] == until:
            _busy_until[0] = 0.0
    for each in Pace:
        # Not where it could send nothing: whatever is due then is held by others, who see to it.
        if (missed and each in paces) or (tries and _is_more_to_do(each)):
            nudge(each)


def _is_more_to_do(pace: Pace) -> bool:
    return oldest_due([pace]) is not None or rate_allows_in([pace]) is not None


#: Who sends at which pace.
_PUMPS = {Pace.FIRST: pump, Pace.LATE: pump_late}


@shared_task(name="webhooks.forget")
def forget() -> None:
    """Delete what was kept for long enough; the next minute goes on."""
    summing.forget()
    retention.forget(FORGETTING)


@shared_task(name="webhooks.count")
def count() -> None:
    """Add up the endpoints' tallies, once a minute."""
    summing.count()


@shared_task(name="webhooks.send_notices")
def send_notices() -> None:
    """Send the e-mails that are due."""
    notices.send(BUDGET)


def nudge(pace: Pace = Pace.FIRST) -> None:
    """Ask a worker to send now what is due at this pace. Never raises; call it after the commit.

    A task is published where no pump runs that hears of it. Without a broker the next sweep sends.
    """
    if nudging.nudge(pace):
        publish(_PUMPS[pace])


def is_taken_here(task: Task[[], None]) -> bool:
    """Whether the worker of this process takes this task from its queue; anywhere else each is."""
    route = settings.CELERY_TASK_ROUTES.get(task.name, {})
    return route.get("queue", settings.CELERY_TASK_DEFAULT_QUEUE) in task.app.amqp.queues.consume_from


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
