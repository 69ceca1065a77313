"""`manage.py bench_cast`: whom the bench calls as, and whose trackers it reads."""

import json
from argparse import ArgumentParser

from django.core.management.base import BaseCommand
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Merchant
from bench.cast import cast


class Command(BaseCommand):
    help = "Make a merchant with trackers and print it as JSON, or give one a rate limit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--trackers", type=int, default=1_000)
        parser.add_argument("--limit", nargs=2, metavar=("MERCHANT", "RATE"))

    def handle(self, *args: object, **options: object) -> None:
        if isinstance(options["limit"], list):
            Merchant.objects.filter(id=options["limit"][0]).update(api_rate_limit=options["limit"][1])
            return
        merchant, key, ids = cast(int(str(options["trackers"])))
        told = {"merchant": str(merchant.id), "key": key, "trackers": ids, "statements": _statements(key)}
        self.stdout.write(json.dumps(told))


def _statements(key: str) -> int:
    """SQL statements of a list of 100."""
    client = Client(headers={"authorization": f"Bearer {key}"})
    client.get("/v1/trackers?limit=1")  # the key's first use is written
    with CaptureQueriesContext(connection) as captured:
        client.get("/v1/trackers?limit=100")
    return len(captured)
