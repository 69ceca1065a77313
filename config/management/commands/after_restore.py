"""`manage.py after_restore [--pause-endpoints]`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError

from config.restoring import move_on, pause_endpoints


class Command(BaseCommand):
    help = (
        "Once after a restore, before anything is started on it: positions of the log go on behind every one "
        "that was given out since the backup, so that no reader of the feed misses an event."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--pause-endpoints",
            action="store_true",
            help="send nothing until each endpoint is enabled: what it was owed is held",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            position = move_on()
        except ProgrammingError as error:
            raise CommandError(
                f"{error}".strip() + "; set MIGRATION_DATABASE_URL to the role that owns the tables"
            ) from error
        self.stdout.write(f"the log goes on behind position {position}")
        if options["pause_endpoints"]:
            self.stdout.write(f"{pause_endpoints()} endpoints are paused")
