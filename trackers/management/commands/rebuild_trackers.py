"""`manage.py rebuild_trackers [--check]`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trackers.rebuilding import check, repair


class Command(BaseCommand):
    help = "Fold the log again and repair trackers that differ; with --check only say so, and exit 1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; exit 1 on a difference")

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for difference in check() if options["check"] else repair():
            count += 1
            self.stdout.write(f"{difference.tracker_id}: {', '.join(difference.fields)} differ from the log")
        if options["check"] and count:
            raise CommandError(f"{count} trackers differ from their log", returncode=1)
        self.stdout.write(
            "every tracker is the fold of its log" if not count else f"{count} trackers repaired"
        )
