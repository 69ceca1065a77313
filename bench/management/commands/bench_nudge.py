"""`manage.py bench_nudge polls|deliveries N`: a task for each of N workers that wait, after a commit."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from trackers.tasks import poll_due
from webhooks.tasks import pump

_TASKS = {"polls": poll_due, "deliveries": pump}


class Command(BaseCommand):
    help = "Ask so many workers to begin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=_TASKS)
        parser.add_argument("workers", type=int)

    def handle(self, *args: object, what: str, workers: int, **options: object) -> None:
        for _ in range(workers):
            _TASKS[what].delay()
