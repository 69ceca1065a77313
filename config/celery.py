"""The Celery application and the whole beat schedule."""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from celery import Celery, Task
from celery.app.utils import Settings
from celery.signals import (
    beat_init,
    celeryd_init,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_init,
    worker_shutting_down,
)
from django.conf import settings
from django.db import connections
from structlog.contextvars import bind_contextvars, clear_contextvars

from config import faults, heartbeat, measuring
from config.collecting import look_seldom
from config.launcher import die_with_parent
from config.logs import catching
from webhooks.stopping import stop

logger = logging.getLogger(__name__)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

#: Seconds between two sweeps that beat sends; each worker process also sweeps by itself (config.sweeping).
BEAT_SWEEPS_EVERY = 5.0

#: Seconds between two looks for what is too old to be kept: answers (accounts.idempotency), what carriers
#: said (trackers.forgetting), deliveries.
FORGETTING_EVERY = 60.0

#: Seconds between two counts of what pages show (accounts.rollups), and between two looks for what needs a
#: person (config.warning).
COUNTING_EVERY = 60.0
ALERTS_EVERY = 60.0

app = Celery("parcelwire")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_scheduler = "config.beating.Scheduler"
app.conf.beat_schedule = {
    "that beat and a worker work": {
        "task": "config.tasks.beat_seen",
        "schedule": heartbeat.INTERVAL,
        "last_run_at": datetime.fromtimestamp(0, UTC),  # due as soon as beat starts
        "options": {"expires": 5 * heartbeat.INTERVAL},
    },
    "polls that are due": {
        "task": "trackers.sweep",
        "schedule": BEAT_SWEEPS_EVERY,
        "options": {"expires": BEAT_SWEEPS_EVERY},
    },
    "kept answers whose day is over": {
        "task": "accounts.forget_expired_answers",
        "schedule": FORGETTING_EVERY,
        "options": {"expires": FORGETTING_EVERY},
    },
    "sessions that have ended": {
        "task": "accounts.forget_sign_ins",
        "schedule": FORGETTING_EVERY,
        "options": {"expires": FORGETTING_EVERY},
    },
    "what carriers said long ago": {
        "task": "trackers.forget",
        "schedule": FORGETTING_EVERY,
        "options": {"expires": FORGETTING_EVERY},
    },
    "remaps that staff asked for": {
        "task": "trackers.remap",
        "schedule": FORGETTING_EVERY,
        "options": {"expires": FORGETTING_EVERY},
    },
    "what was kept for long enough": {
        "task": "webhooks.forget",
        "schedule": FORGETTING_EVERY,
        "options": {"expires": FORGETTING_EVERY},
    },
    "polls of the hour": {
        "task": "carriers.count",
        "schedule": COUNTING_EVERY,
        "options": {"expires": COUNTING_EVERY},
    },
    "parcels and scans of the hour": {
        "task": "trackers.count",
        "schedule": COUNTING_EVERY,
        "options": {"expires": COUNTING_EVERY},
    },
    "tries of the hour": {
        "task": "webhooks.count",
        "schedule": COUNTING_EVERY,
        "options": {"expires": COUNTING_EVERY},
    },
    "what needs a person": {
        "task": "config.tasks.warn",
        "schedule": ALERTS_EVERY,
        "options": {"expires": ALERTS_EVERY},
    },
    "what webhooks need besides being sent": {
        "task": "webhooks.sweep",
        "schedule": BEAT_SWEEPS_EVERY,
        "options": {"expires": BEAT_SWEEPS_EVERY},
    },
    "deliveries that are due": {
        "task": "webhooks.pump",
        "schedule": BEAT_SWEEPS_EVERY,
        "options": {"expires": BEAT_SWEEPS_EVERY},
    },
    "late deliveries that are due": {
        "task": "webhooks.pump_late",
        "schedule": BEAT_SWEEPS_EVERY,
        "options": {"expires": BEAT_SWEEPS_EVERY},
    },
}


@app.on_after_configure.connect
def _keep_connections(source: Settings, **_unused: object) -> None:
    """For a process's whole life. Under this name alone Celery looks it up, without the namespace's rules."""
    source["CELERY_DB_REUSE_MAX"] = settings.CELERY_WORKER_MAX_TASKS_PER_CHILD


@celeryd_init.connect
def _log_from_the_start(**_unused: object) -> None:
    """Celery warns before it asks for its log, and tells past it that it ends."""
    catching.start(settings.LOGGING)
    vars(sys.modules["celery.apps.worker"])["safe_say"] = catching.say


@beat_init.connect
def _tell_of_beat(**_unused: object) -> None:
    logger.info("beat sends what is due, on its schedule")


@setup_logging.connect
def _log_as_django_does(**_unused: object) -> None:
    """That anybody listens keeps Celery's own handlers and formats away."""
    catching.start(settings.LOGGING)
    faults.log_doubts()


@task_prerun.connect
def _look_at_the_connection(**_unused: object) -> None:
    """One that is gone, or too old, is made anew before the task needs it, as before a request of the web.

    Kept from task to task (`CELERY_DB_REUSE_MAX`): to make one takes longer than most tasks. Inside a
    transaction it is the caller's.
    """
    for each in connections.all(initialized_only=True):
        if not each.in_atomic_block:
            each.close_if_unusable_or_obsolete()
            each.close_if_health_check_failed()


@task_prerun.connect
def _name_the_task(task_id: str, task: Task[[], None], **_unused: object) -> None:
    """Every line that is written while it runs has its name and id."""
    clear_contextvars()
    bind_contextvars(task=task.name, task_id=task_id)


@task_postrun.connect
def _forget_the_task(**_unused: object) -> None:
    logger.debug("the task is over")
    clear_contextvars()


@worker_process_init.connect
def _end_with_the_worker(**_unused: object) -> None:
    """A worker killed by SIGKILL would leave its pool behind, waiting for work that never comes."""
    die_with_parent(signal.SIGKILL)


@worker_process_init.connect
def _leave_the_end_to_the_worker(**_unused: object) -> None:
    """Who ends a whole group of processes ends the worker, which waits for what these have under way."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@worker_process_init.connect
def _leave_what_is_loaded(**_unused: object) -> None:
    look_seldom()


@worker_init.connect
def _serve_figures(sender: Any, **_unused: object) -> None:
    """Of the processes of its pool, which are not there yet."""
    measuring.serve(str(sender.hostname).partition("@")[0])


@worker_process_init.connect
def _note_figures(**_unused: object) -> None:
    measuring.begin()


@worker_shutting_down.connect
def _tell_pumps_to_end(**_unused: object) -> None:
    stop.set()


def work(name: str, queues: Sequence[str], processes: int) -> int:
    """Be a worker that takes from these queues, until it is told to end; its exit status.

    It knows of no other worker, and asks none: rows say what is to be done.
    """
    worker = app.Worker(
        hostname=f"{name}@",
        queues=",".join(queues),
        concurrency=processes,
        loglevel="INFO",
        without_mingle=True,
        without_gossip=True,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def send_on_schedule(schedule: Path) -> None:
    """Be beat, until it is told to end. `schedule`: the file in which it keeps when it sent what."""
    app.Beat(schedule=str(schedule), loglevel="INFO", quiet=True).run()
