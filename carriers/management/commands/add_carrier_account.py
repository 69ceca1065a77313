"""`manage.py add_carrier_account CODE (--merchant ID | --house) --key KEY`: take a carrier's key into use."""

import json
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Merchant
from carriers import validation
from carriers.models import CarrierAccount


class Command(BaseCommand):
    """Add a merchant's or the house's account at a carrier. The key is stored encrypted and never shown."""

    help = "Add a carrier account: a merchant's own, or the house's for all that have none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", help="courierCode of the carrier")
        owner = parser.add_mutually_exclusive_group(required=True)
        owner.add_argument("--merchant", metavar="ID", help="id of the merchant that the account belongs to")
        owner.add_argument("--house", action="store_true", help="the operator's own account")
        parser.add_argument("--key", required=True, help="the carrier's key")
        parser.add_argument("--base-url", default="", help="where the carrier is asked, unless at its own")
        parser.add_argument("--time-zone", default="", help="IANA zone of times without an offset")
        parser.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        merchant = _merchant(options["merchant"]) if options["merchant"] else None
        account = CarrierAccount(
            courier=options["code"],
            merchant=merchant,
            key=options["key"],
            base_url=options["base_url"],
            time_zone=options["time_zone"],
        )
        try:
            validation.key(options["key"])
            account.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        account.save()
        if options["json"]:
            made = {
                "carrierAccountId": str(account.id),
                "courierCode": account.courier,
                "merchantId": str(merchant.id) if merchant else None,
            }
            self.stdout.write(json.dumps(made))
        else:
            self.stdout.write(f"{account}: {account.id}")


def _merchant(written: str) -> Merchant:
    try:
        return Merchant.objects.get(id=UUID(written))
    except (ValueError, Merchant.DoesNotExist) as error:
        raise CommandError(f"There is no merchant {written}.") from error
