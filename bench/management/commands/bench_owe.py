"""`manage.py bench_owe`: deliveries that are due, written as the product writes them, or in the plain way."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand
from django.db import connection, transaction
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from bench.bodies import BODY, ENDPOINTS, SECRET
from bench.models import PlainDelivery
from webhooks import tasks
from webhooks.fanout import Announcement, announce, subscribers
from webhooks.models import Endpoint, Signature

#: Messages of one transaction; each goes to every endpoint.
_BATCH = 20


class Command(BaseCommand):
    help = (
        "Owe deliveries to the endpoints of one merchant and nudge a worker; with --plain, a task for each."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="of the subscriber; {} stands for the number of the endpoint")
        parser.add_argument("count", type=int)
        parser.add_argument("--plain", action="store_true")

    def handle(self, *args: object, **options: object) -> None:
        url, count = str(options["url"]), int(str(options["count"]))
        if options["plain"]:
            _owe_plainly(url, count)
            return
        _owe(_merchant(url), count // ENDPOINTS)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as autovacuum does within the first minute
        tasks.nudge()


def _merchant(url: str) -> Merchant:
    """With its endpoints, made at the first call."""
    merchant, is_new = Merchant.objects.get_or_create(name="Bench of deliveries")
    if is_new:
        Endpoint.objects.bulk_create(
            Endpoint(
                merchant=merchant,
                url=url.format(number),
                types=["*"],
                signature=Signature.V1,
                secret=SECRET,
                fingerprint=str(number),
            )
            for number in range(ENDPOINTS)
        )
    return merchant


def _owe(merchant: Merchant, messages: int) -> None:
    for first in range(0, messages, _BATCH):
        news = [
            Announcement(uuid7(), "tracking.updated", uuid7(), 1, (), lambda: BODY)
            for _ in range(min(_BATCH, messages - first))
        ]
        with transaction.atomic():
            announce(merchant.id, subscribers([merchant.id]), news)


def _owe_plainly(url: str, count: int) -> None:
    from bench.plain import deliver  # noqa: PLC0415 - it needs a broker, which only this way does

    owed = PlainDelivery.objects.bulk_create(
        PlainDelivery(url=url.format(number % ENDPOINTS), body=BODY) for number in range(count)
    )
    for delivery in owed:
        deliver.delay(delivery.pk)
