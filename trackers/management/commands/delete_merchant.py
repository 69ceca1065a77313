"""`manage.py delete_merchant ID --yes`."""

from collections import Counter
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Merchant
from trackers.leaving import leave


class Command(BaseCommand):
    help = "Delete a merchant with all that is its own but the log. Run it again if it was cut off."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant_id", type=UUID)
        parser.add_argument("--yes", action="store_true", help="really do it: there is no way back")

    def handle(self, *args: Any, **options: Any) -> None:
        merchant = Merchant.objects.filter(id=options["merchant_id"]).first()
        if merchant is None:
            raise CommandError("there is no such merchant")
        if not options["yes"]:
            raise CommandError(f"this deletes all that {merchant} has, for ever; say --yes if it shall be so")
        gone: Counter[str] = Counter()
        for name, count in leave(merchant.id):
            gone[name] += count
        told = ", ".join(f"{count} {name}" for name, count in gone.items()) or "nothing was left"
        self.stdout.write(f"merchant {merchant.id} is deleted: {told}")
