"""Each worker process looks for due rows by itself: a dead beat or broker delays nothing for long.

It looks for those that tasks of its worker's queues would see to.
"""

import logging
import threading
from collections.abc import Iterable
from typing import Protocol

from django.conf import settings
from django.db import close_old_connections
from structlog.contextvars import bind_contextvars

from accounts import sweeps
from accounts import tasks as account_tasks
from carriers import tasks as carrier_tasks
from config.attending import Attendance, of_this_process
from trackers import tasks as tracker_tasks
from trackers.polling import finish as finish_polls
from webhooks import tasks as webhook_tasks
from webhooks.stopping import stop

logger = logging.getLogger(__name__)

_SWEEPS = (
    webhook_tasks.pump,
    webhook_tasks.pump_late,
    tracker_tasks.sweep,
    webhook_tasks.sweep,
    account_tasks.forget_expired_answers,
    # These look whether it is time for them.
    carrier_tasks.count,
    tracker_tasks.count,
    webhook_tasks.count,
)

#: Seconds that a process which ends waits for a sweep under way, in which a carrier may hang for 20 of them.
PATIENCE = 25.0

_thread: list[threading.Thread] = []
#: Set where this process ends; its worker may go on, with another in its place.
_over = threading.Event()


def start(*more: "Sweep") -> None:
    """Sweep in a thread of this process every SWEEP_INTERVAL seconds, until it or its worker ends.

    `more`: what it is to do besides.
    """
    attendance = of_this_process(sorted(webhook_tasks.pump.app.amqp.queues.consume_from))
    thread = threading.Thread(target=_run, args=[[*own(), *more], attendance], name="sweeps", daemon=True)
    thread.start()
    _thread.append(thread)


def finish() -> None:
    """End the sweeps, and wait for the one under way, and for what polls left: neither claims any more."""
    _over.set()
    stop.set_here()
    _finish_polls()
    for thread in _thread:
        thread.join(PATIENCE)
    _finish_polls()  # those of the sweep


def _finish_polls() -> None:
    try:
        finish_polls()
    except Exception:  # whatever it was, the sweep is waited for all the same
        logger.exception("polls under way were not concluded; others make them again once their leases end")


class Sweep(Protocol):
    """A task, run where it is called."""

    @property
    def name(self) -> str: ...

    def __call__(self) -> None: ...


def own() -> list[Sweep]:
    """What this process sweeps for: what tasks of its worker's queues would do."""
    return [sweep for sweep in _SWEEPS if webhook_tasks.is_taken_here(sweep)]


def _run(mine: Iterable[Sweep], attendance: Attendance) -> None:
    attendance.begin()
    while not _over.wait(settings.SWEEP_INTERVAL) and not stop.is_set():
        for sweep in mine:
            if stop.is_set():
                return
            bind_contextvars(task=sweep.name)
            try:
                close_old_connections()
                with sweeps.sweeping(sweep.name):
                    sweep()
            except Exception:  # whatever it was, a thread that ended would never sweep again
                logger.exception("%s failed; the next sweep tries again", sweep.name)
                attendance.failed(sweep.name)
        attendance.swept()
