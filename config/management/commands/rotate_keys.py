"""`manage.py rotate_keys [--check]`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.resealing import Found, Value, walk

#: Walks in which what somebody changed meanwhile is looked at again.
WALKS = 3
#: Values that no key opens and that are named; more have one cause: a key that is missing.
NAMED = 100


class Command(BaseCommand):
    help = (
        "Encrypt anew, with the first of FIELD_ENCRYPTION_KEYS, what an older key alone opens; with --check "
        "only say how much that is. Exits 1 while an older key is needed, or where no key opens a value. Run "
        "it again if it was cut off."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, only look")

    def handle(self, *args: Any, **options: Any) -> None:
        renew = not options["check"]
        found, unreadable, renewed = Found(), list[Value](), 0
        for _ in range(WALKS if renew else 1):
            found = Found()
            unreadable = list(walk(found, renew=renew))
            renewed += found.renewed
            if not found.left:
                break
        if renew:
            self.stdout.write(f"{renewed} values were encrypted anew")
        for table, count in found.old.items() if not renew else ():
            self.stdout.write(f"{table}: {count} need an older key")
        for value in unreadable[:NAMED]:
            self.stdout.write(f"no key opens {value}")
        self._end(found, unreadable)

    def _end(self, found: Found, unreadable: list[Value]) -> None:
        wrong = []
        if found.left:
            wrong.append(f"{found.left} of {found.values} values need an older key still: keep it")
        if unreadable:
            wrong.append(f"no key opens {len(unreadable)} values: a key is missing (see docs/backups.md)")
        if wrong:
            raise CommandError("; ".join(wrong), returncode=1)
        self.stdout.write(f"the first key opens all {found.values} values: older ones can be dropped")
