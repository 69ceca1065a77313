"""`manage.py bench_follow`: parcels that are due, made as the product makes them, or in the plain way."""

from argparse import ArgumentParser
from collections.abc import Sequence

from django.core.management.base import BaseCommand
from django.db import connection

from accounts.models import Merchant
from bench.bodies import SECRET
from bench.models import PlainParcel
from carriers.models import CarrierAccount
from trackers import tasks
from trackers.creating import create_many
from trackers.models import Watch
from trackers.serializers import TrackerCreateSerializer
from webhooks.models import Endpoint, Signature

#: Trackers of one transaction.
_BATCH = 500
_DUE = "UPDATE trackers_watch SET next_poll_at = now() WHERE next_poll_at IS NOT NULL"


class Command(BaseCommand):
    help = "Make parcels, or with a count of 0 make due what there is; nudge. With --plain, a task each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", nargs="+", help="of carrier accounts, in turn")
        parser.add_argument("count", type=int, help="of parcels in all; as many for each account")
        parser.add_argument("--accounts", type=int, default=10, help="each of a merchant of its own")
        parser.add_argument("--endpoint", help="of each merchant; it is told of the polls, not of the making")
        parser.add_argument("--plain", action="store_true")

    def handle(
        self, *args: object, url: list[str], count: int, accounts: int, plain: bool, **options: object
    ) -> None:
        if plain:
            _ask_plainly(url[0], count, str(options["endpoint"] or ""))
            return
        if count:
            merchants = [_merchant(nth, url[nth % len(url)]) for nth in range(accounts)]
            _follow(merchants, count)
            if options["endpoint"]:
                _tell(merchants, str(options["endpoint"]))
        with connection.cursor() as cursor:
            cursor.execute(_DUE)
            cursor.execute("VACUUM ANALYZE")  # as autovacuum does within the first minute
        tasks.nudge()


def _merchant(nth: int, url: str) -> Merchant:
    merchant = Merchant.objects.create(name=f"Bench {nth}")
    CarrierAccount.objects.create(courier="all24", merchant=merchant, key=f"key-{nth}", base_url=url)
    return merchant


def _tell(merchants: Sequence[Merchant], url: str) -> None:
    Endpoint.objects.bulk_create(
        Endpoint(
            merchant=merchant,
            url=f"{url}/any/{nth}",
            types=["*"],
            signature=Signature.V1,
            secret=SECRET,
            fingerprint=str(nth),
        )
        for nth, merchant in enumerate(merchants)
    )


def _follow(merchants: Sequence[Merchant], count: int) -> None:
    each = count // len(merchants)
    for nth, merchant in enumerate(merchants):
        for first in range(nth * each, (nth + 1) * each, _BATCH):
            numbers = range(first, min(first + _BATCH, (nth + 1) * each))
            create_many(merchant.id, [_wish(number) for number in numbers])
    if Watch.objects.filter(carrier_account__isnull=False).count() != each * len(merchants):
        raise RuntimeError("some parcels are not followed")


def _wish(number: int) -> dict[str, object]:
    body = TrackerCreateSerializer(
        data={"trackingNumber": f"HS{number:06}", "courierCode": "all24", "destinationCountryCode": "TH"}
    )
    body.is_valid(raise_exception=True)
    return TrackerCreateSerializer.wishes(body.validated_data)


def _ask_plainly(url: str, count: int, endpoint: str) -> None:
    from bench.plain_polls import poll  # noqa: PLC0415 - it needs a broker, which only this way does

    if count:
        PlainParcel.objects.bulk_create(
            PlainParcel(number=f"HS{number:06}", url=url, told=endpoint) for number in range(count)
        )
    for id_ in PlainParcel.objects.order_by("id").values_list("id", flat=True):
        poll.delay(id_)
