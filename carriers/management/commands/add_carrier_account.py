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
        parser.add_argument(
            "--daily-quota",
            type=int,
            metavar="N",
            help="calls in one day at the carrier's home, unless as many as it allows by itself",
        )
        parser.add_argument(
            "--pace", type=float, metavar="N", help="calls a second at most, unless as the carrier allows"
        )
        parser.add_argument(
            "--push-secret",
            metavar="SECRET",
            help="what the carrier shows when it calls us; without, it may not",
        )
        parser.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        merchant = _merchant(options["merchant"]) if options["merchant"] else None
        account = CarrierAccount(
            courier=options["code"],
            merchant=merchant,
            key=options["key"],
            base_url=options["base_url"],
            time_zone=options["time_zone"],
            push_secret=options["push_secret"],
            daily_quota=options["daily_quota"],
            pace_limit=options["pace"],
        )
        try:
            validation.key(options["key"])
            validation.push_secret(options["push_secret"], options["code"])
            account.clean()  # says more of quota and pace than the validators of their columns
            account.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        account.save()
        self.stdout.write(_as_json(account) if options["json"] else _in_words(account))


def _as_json(account: CarrierAccount) -> str:
    told = {
        "carrierAccountId": str(account.id),
        "courierCode": account.courier,
        "merchantId": str(account.merchant_id) if account.merchant_id else None,
    }
    return json.dumps(told | ({"pushPath": account.push_path} if account.push_path else {}))


def _in_words(account: CarrierAccount) -> str:
    pushes = f"\nThe carrier may call {account.push_path}" if account.push_path else ""
    return f"{account}: {account.id}{pushes}"


def _merchant(written: str) -> Merchant:
    try:
        return Merchant.objects.get(id=UUID(written))
    except (ValueError, Merchant.DoesNotExist) as error:
        raise CommandError(f"There is no merchant {written}.") from error
