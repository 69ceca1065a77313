"""Parcels of alice's that carriers told of, and who asks about them in the carriers' own words."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import ApiKey, Merchant
from carriers.models import CarrierAccount
from tests.carriers.servers import answer, serving
from tests.factories import CarrierAccountFactory
from tests.polled import poll_due
from trackers.creating import create
from trackers.models import Tracker
from trackers.serializers import TrackerCreateSerializer

Learn = Callable[..., Tracker]


@pytest.fixture
def learn(settings: Settings) -> Iterator[Learn]:
    """Have a merchant follow a parcel, and one poll of a carrier that answers with these bytes."""
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with ExitStack() as servers:

        def make(merchant: Merchant, courier: str, number: str, body: bytes, **given: Any) -> Tracker:
            carrier = servers.enter_context(serving(answer(body, "200 OK")))
            account(merchant, courier, carrier.url)
            return polled(merchant, courier, number, **given)

        yield make


def account(merchant: Merchant, courier: str, url: str, key: str = "k") -> CarrierAccount:
    zone = {"all24": "Asia/Bangkok", "247express": "Asia/Ho_Chi_Minh"}[courier]
    return CarrierAccountFactory(merchant=merchant, courier=courier, base_url=url, key=key, time_zone=zone)


def follow(merchant: Merchant, courier: str, number: str, **given: Any) -> Tracker:
    body = TrackerCreateSerializer(data={"trackingNumber": number, "courierCode": courier} | given)
    body.is_valid(raise_exception=True)
    return create(merchant.id, TrackerCreateSerializer.wishes(body.validated_data))


def polled(merchant: Merchant, courier: str, number: str, **given: Any) -> Tracker:
    tracker = follow(merchant, courier, number, **given)
    assert poll_due() == 1
    tracker.refresh_from_db()
    return tracker


@pytest.fixture
def key(alice: Merchant) -> str:
    """A key of alice's, with every scope."""
    return ApiKey.issue(alice)[1]


@pytest.fixture
def client() -> APIClient:
    """Somebody without an Authorization header; faults are answers, not exceptions."""
    return APIClient(raise_request_exception=False)
