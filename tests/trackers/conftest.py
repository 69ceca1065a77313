"""Trackers, and a carrier that answers as a test says."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Merchant
from carriers.models import CarrierAccount
from tests.carrier_server import CarrierServer, carrier_server
from tests.factories import CarrierAccountFactory
from tests.polled import poll_due
from tests.ship24_server import Ship24Server, ship24_server
from trackers.creating import create
from trackers.models import Tracker
from trackers.serializers import TrackerCreateSerializer


@pytest.fixture(autouse=True)
def _long_leases(settings: Settings) -> None:
    """None runs out by itself, however slow this machine is."""
    settings.POLL_LEASE = settings.DELIVERY_LEASE = 600


@pytest.fixture
def carrier(settings: Settings) -> Iterator[CarrierServer]:
    """An all24 on loopback."""
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with carrier_server() as server:
        yield server


@pytest.fixture
def there(settings: Settings) -> Iterator[Ship24Server]:
    """A Ship24 on loopback."""
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with ship24_server() as server:
        yield server


@pytest.fixture
def account(alice: Merchant, carrier: CarrierServer) -> CarrierAccount:
    """Alice's own account at that carrier."""
    return CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)


@pytest.fixture
def follow() -> Callable[..., Tracker]:
    """Create a tracker at all24 unless told otherwise."""

    def make(merchant: Merchant, number: str, **body: Any) -> Tracker:
        serializer = TrackerCreateSerializer(data={"trackingNumber": number, "courierCode": "all24"} | body)
        serializer.is_valid(raise_exception=True)
        wishes = TrackerCreateSerializer.wishes(serializer.validated_data)
        return create(merchant.id, wishes)

    return make


@pytest.fixture
def poll_all() -> Callable[[], int]:
    """Poll everything that is due, in this process."""
    return poll_due
