"""`manage.py create_merchant NAME [--email ADDRESS] [--json]`."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError, transaction

from accounts.models import ApiKey, Merchant


class Command(BaseCommand):
    help = "Create a merchant and its first API key, which is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--email", default="", help="whom to tell when an endpoint is disabled")
        parser.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not 1 <= len(name) <= 255:
            raise CommandError("NAME: expected 1 to 255 characters")
        email = _address(options["email"])
        try:
            with transaction.atomic():
                merchant = Merchant.objects.create(name=name, contact_email=email)
                _, key = ApiKey.issue(merchant)
        except ProgrammingError as error:
            raise CommandError(
                "the database has no tables yet: run `manage.py migrate`, or `manage.py up`"
            ) from error
        if options["json"]:
            self.stdout.write(json.dumps({"merchantId": str(merchant.id), "apiKey": key}))
        else:
            self.stdout.write(f"merchant {merchant.id}\nAPI key  {key}\nThe key is not shown again.")


def _address(email: str) -> str:
    try:
        if email:
            Merchant.contact_email.field.run_validators(email)
    except ValidationError:
        raise CommandError("--email: expected an address") from None
    return email
