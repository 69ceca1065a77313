"""Each worker process looks for due rows by itself: a dead beat or broker delays nothing for long."""

import logging
import threading

from django.conf import settings
from django.db import Error, close_old_connections

from trackers import tasks as tracker_tasks
from webhooks import tasks as webhook_tasks
from webhooks.stopping import stop

logger = logging.getLogger(__name__)

_SWEEPS = (tracker_tasks.sweep, webhook_tasks.sweep)


def start() -> threading.Thread:
    """Sweep in a thread of this process every SWEEP_INTERVAL seconds, until the worker stops."""
    thread = threading.Thread(target=_run, name="sweeps", daemon=True)
    thread.start()
    return thread


def _run() -> None:
    while not stop.wait(settings.SWEEP_INTERVAL):
        for sweep in _SWEEPS:
            close_old_connections()
            try:
                sweep()
            except Error:
                logger.warning("%s failed; the next sweep tries again", sweep.name, exc_info=True)
