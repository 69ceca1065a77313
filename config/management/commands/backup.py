"""`manage.py backup FILE`."""

import signal
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.dumping import DumpError, dump

#: What ends it: whoever stops a job, and a terminal that is gone.
_ENDS = (signal.SIGTERM, signal.SIGHUP)


class Command(BaseCommand):
    help = (
        "Dump the whole database into FILE, which must not be there yet, while everything runs. The keys of "
        "FIELD_ENCRYPTION_KEYS are not in it. docs/backups.md says how to restore it."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        before = {number: signal.signal(number, _end) for number in _ENDS if _is_heard(number)}
        try:
            made = dump(options["file"].absolute())
        except DumpError as error:
            raise CommandError(str(error)) from error
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        self.stdout.write(f"{made.file}: {made.tables} tables, {made.size:,} bytes")
        self.stdout.write(
            "FIELD_ENCRYPTION_KEYS are not in it: keep them in another place, for without them nothing opens "
            "the keys of carriers and the secrets of webhooks that it holds."
        )


def _is_heard(number: signal.Signals) -> bool:
    """`nohup` has it go on without its terminal."""
    return signal.getsignal(number) is not signal.SIG_IGN


def _end(number: int, _frame: Any) -> None:
    """What was begun is taken away on the way out."""
    sys.exit(128 + number)
