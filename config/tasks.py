"""Tasks about the stack itself."""

from typing import Any

from celery import Task, shared_task
from celery.signals import (
    after_task_publish,
    beat_init,
    task_prerun,
    task_success,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_shutdown,
)
from django.conf import settings

from accounts import sweeps
from config import attending, heartbeat, lags, presence, sweeping, warning
from webhooks.tasks import is_taken_here


@shared_task
def beat_seen() -> None:
    """Sent by beat every `heartbeat.INTERVAL` seconds: that it ran shows that the whole chain works."""
    heartbeat.note(settings.REDIS_URL)


@shared_task
def warn() -> None:
    """Write alerts that are new into the log."""
    warning.warn()


@worker_init.connect
def note_the_worker(sender: Any, **_unused: object) -> None:
    """Its processes, forked afterwards, know whose they are."""
    attending.worker_begins(sender.hostname.partition("@")[0], sender.concurrency)


@worker_shutdown.connect
def take_back_its_word(sender: Any, **_unused: object) -> None:
    """Whoever asks who works is not to count this one."""
    attending.worker_ends(sorted(sender.app.amqp.queues.consume_from))


@beat_init.connect
def note_what_beat_publishes(**_unused: object) -> None:
    """That it publishes shows that it works; that it runs does not."""
    attendance = attending.Attendance(presence.BEAT)
    attendance.begin()
    after_task_publish.connect(lambda **_unused: attendance.good(), weak=False)


@worker_process_init.connect
def sweep_by_itself(**_unused: object) -> None:
    """Beat and broker may be dead: what is due is done all the same."""
    sweeping.start(*filter(is_taken_here, [warn]))


@worker_process_shutdown.connect
def end_the_sweeps(**_unused: object) -> None:
    """A try that is cut off counts as abandoned and is made again: let it end first."""
    sweeping.finish()


@task_prerun.connect
def begin_a_sweep(**_unused: object) -> None:
    """From here on a refusal of the database counts against this task."""
    sweeps.begin()


@task_success.connect
def note_a_sweep(sender: Task[..., None], **_unused: object) -> None:
    """Note that a sweep ended well, whoever asked for it."""
    if sender.name in lags.periods():
        sweeps.note(sender.name)
