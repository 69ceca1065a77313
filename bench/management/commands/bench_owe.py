"""`manage.py bench_owe`: deliveries that are due, written as the product writes them, or in the plain way."""

from argparse import ArgumentParser
from uuid import UUID

from django.core.management.base import BaseCommand
from django.db import connection, transaction
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from bench.bodies import BODY, EACH, ENDPOINTS, MERCHANTS, SECRET
from bench.models import PlainDelivery
from webhooks import tasks
from webhooks.fanout import Announcement, announce, subscribers
from webhooks.models import Endpoint, Signature

#: Messages of one transaction; each goes to every endpoint of its merchant.
_BATCH = 20


class Command(BaseCommand):
    help = (
        "Make merchants with endpoints, owe them deliveries, nudge a worker; with --plain, a task for each."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "url", nargs="+", help="of endpoints, in turn; {} stands for the number of the endpoint"
        )
        parser.add_argument("count", type=int, help="of deliveries in all; a whole number for each endpoint")
        parser.add_argument("--merchants", type=int, default=MERCHANTS)
        parser.add_argument("--each", type=int, default=EACH, help="endpoints of one merchant")
        parser.add_argument("--plain", action="store_true")

    def handle(
        self, *args: object, url: list[str], count: int, merchants: int, each: int, **options: object
    ) -> None:
        if options["plain"]:
            _owe_plainly(url[0], count)
            return
        ids = [_merchant(nth, url, each).id for nth in range(merchants)]
        if not count:
            return
        left = count // (merchants * each)
        while left:
            for id_ in ids:
                _owe(id_, min(_BATCH, left))
            left -= min(_BATCH, left)
        with connection.cursor() as cursor:
            # As each endpoint has that was sent to before.
            cursor.execute(
                "INSERT INTO webhooks_lane (endpoint_id)"
                " SELECT id FROM webhooks_endpoint ON CONFLICT DO NOTHING"
            )
            cursor.execute("VACUUM ANALYZE")  # as autovacuum does within the first minute
        tasks.nudge()


def _merchant(nth: int, urls: list[str], each: int) -> Merchant:
    """With its endpoints, made at the first call."""
    merchant, is_new = Merchant.objects.get_or_create(name=f"Bench {nth} {urls[0]}")
    if is_new:
        Endpoint.objects.bulk_create(
            Endpoint(
                merchant=merchant,
                url=urls[number % len(urls)].format(nth * each + number),
                types=["*"],
                signature=Signature.V1,
                secret=SECRET,
                fingerprint=str(number),
            )
            for number in range(each)
        )
    return merchant


def _owe(merchant_id: UUID, messages: int) -> None:
    news = [Announcement(uuid7(), "tracking.updated", uuid7(), 1, (), lambda: BODY) for _ in range(messages)]
    with transaction.atomic():
        announce(merchant_id, subscribers([merchant_id]), news)


def _owe_plainly(url: str, count: int) -> None:
    from bench.plain import deliver  # noqa: PLC0415 - it needs a broker, which only this way does

    owed = PlainDelivery.objects.bulk_create(
        PlainDelivery(url=url.format(number % ENDPOINTS), body=BODY) for number in range(count)
    )
    for delivery in owed:
        deliver.delay(delivery.pk)
