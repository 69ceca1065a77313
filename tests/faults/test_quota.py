"""Workers killed in the middle of polls: no account exceeds its places or its calls of the day."""

from collections.abc import Iterator

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Merchant
from carriers.days import today
from carriers.models import CarrierAccount, DailyUse
from tests.carrier_server import CarrierServer, carrier_server
from tests.factories import CarrierAccountFactory
from tests.faults.stage import Stage
from tests.trackers.watching_many import watch_many
from tests.waiting import eventually
from trackers.models import Watch

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

QUOTA = 35


@pytest.fixture
def carrier(settings: Settings) -> Iterator[CarrierServer]:
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with carrier_server() as server:
        yield server


def used(account: CarrierAccount) -> int:
    day = today(account.courier, timezone.now())
    assert day is not None
    return sum(DailyUse.objects.filter(account=account, day=day.date).values_list("reserved", flat=True))


def test_three_workers_of_which_one_dies_keep_to_the_places_and_to_the_quota(
    alice: Merchant, carrier: CarrierServer, on: Stage
) -> None:
    account = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url, daily_quota=QUOTA)
    watch_many(account, 100, urgency=0)
    carrier.gate.clear()
    workers = [
        on.worker(queues="parcelwire", CARRIER_ALLOWED_NETWORKS="127.0.0.0/8", POLL_LEASE="9")
        for _ in range(3)
    ]
    eventually(lambda: len(carrier.asked) == 10)
    assert Watch.objects.exclude(claim_id=None).count() == 10
    for worker in workers:
        worker.pool()
    workers[0].kill()
    carrier.gate.set()
    eventually(lambda: used(account) == QUOTA)
    eventually(lambda: not Watch.objects.filter(claimed_until__gt=timezone.now()).exists())
    assert len(carrier.asked) <= used(account) == QUOTA
