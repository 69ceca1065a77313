"""Celery's side of carriers."""

from celery import shared_task

from carriers import tallying


@shared_task(name="carriers.count")
def count() -> None:
    """Count the polls that were settled since the last count, once a minute."""
    tallying.count()
