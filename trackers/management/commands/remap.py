"""`manage.py remap CARRIER [--dry-run] [--after WATCH]`."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from carriers.registry import adapters
from trackers.remapping import Remapped, remap


class Command(BaseCommand):
    help = (
        "Read kept answers of a carrier again with today's maps, and record what they tell otherwise than "
        "the log: amendments, and scans that could not be read before. Run it again if it was cut off."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("carrier", help="its courierCode")
        parser.add_argument("--dry-run", action="store_true", help="change nothing; say what would change")
        parser.add_argument(
            "--after", type=UUID, metavar="WATCH", help="go on behind this watch, as told when cut off"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        courier = adapters().get(options["carrier"])
        if courier is None:
            known = ", ".join(adapters())
            raise CommandError(f"carrier: there is no {options['carrier']!r}; there are {known}")
        found = Remapped(last=options["after"])
        try:
            for _ in remap(courier, dry_run=options["dry_run"], found=found):
                if options["verbosity"] > 1:
                    self.stderr.write(f"{found.trackers} trackers, up to watch {found.last}")
        except KeyboardInterrupt:
            self._tell(found, options["dry_run"])
            on = f"go on with --after {found.last}" if found.last else "begin again"
            raise CommandError(f"cut off; {on}") from None
        self._tell(found, options["dry_run"])
        if found.left:
            raise CommandError(f"{found.left} trackers could not be recorded; run it again")

    def _tell(self, found: Remapped, dry_run: bool) -> None:  # noqa: FBT001 (the command's option)
        for word in sorted(found.amended.keys() | found.new.keys()):
            told = []
            if found.amended[word]:
                told.append(f"{found.amended[word]} amended ({', '.join(sorted(found.fields[word]))})")
            if found.new[word]:
                told.append(f"{found.new[word]} new")
            self.stdout.write(f"{word}: {', '.join(told)}")
        if found.shipments:
            self.stdout.write(f"facts of whole parcels: {found.shipments}")
        self.stdout.write(
            f"{found.changed} of {found.trackers} trackers {'would change' if dry_run else 'changed'}; "
            f"{found.answers} answers read, {found.unreadable} could not be read"
        )
