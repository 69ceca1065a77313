"""Tasks about the stack itself."""

from celery import Task, shared_task
from celery.signals import task_prerun, task_success, worker_process_init, worker_process_shutdown
from django.conf import settings

from accounts import sweeps
from config import heartbeat, lags, sweeping, warning
from webhooks.tasks import is_taken_here


@shared_task
def beat_seen() -> None:
    """Sent by beat every `heartbeat.INTERVAL` seconds: that it ran shows that the whole chain works."""
    heartbeat.note(settings.REDIS_URL)


@shared_task
def warn() -> None:
    """Write alerts that are new into the log."""
    warning.warn()


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
