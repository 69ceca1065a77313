"""`manage.py worker`: polls what is due, sends what is due, or both."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import cast

from django.core.management.base import BaseCommand

from config import programs
from config.celery import work


class Command(BaseCommand):
    help = "Do what is due until SIGTERM or Ctrl-C: polls, first tries of webhooks, late ones, or several."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "queues",
            nargs="*",
            metavar="QUEUE",
            help=f"what to take from: {', '.join(programs.QUEUES)}; by default {programs.POLLS}, which polls",
        )
        parser.add_argument(
            "--processes", type=int, help="by default as many as its queues usually have, together"
        )

    def handle(self, *args: object, **options: object) -> None:
        queues = list(cast(Sequence[str], options["queues"])) or [programs.POLLS]
        for queue in queues:
            if queue not in programs.QUEUES:
                self.stderr.write(f"there is no queue {queue!r}; there are {', '.join(programs.QUEUES)}")
                sys.exit(1)
        processes = cast(int | None, options["processes"]) or sum(programs.QUEUES[each] for each in queues)
        sys.exit(work(programs.worker_name(queues), queues, processes))
