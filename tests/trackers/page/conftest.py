"""A parcel that shoppers look at, and the link to it."""

from collections.abc import Callable

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from tests.trackers.cast import NOON
from tests.trackers.conftest import account, carrier, follow, poll_all
from trackers.models import Tracker

__all__ = ["NOON", "account", "carrier", "follow", "poll_all"]


@pytest.fixture(autouse=True)
def _any_number_of_calls(settings: Settings) -> None:
    """All tests call from one address."""
    settings.TRACKING_PAGE_RATE_LIMIT = 0


@pytest.fixture
def link_to(as_alice: APIClient) -> Callable[[Tracker], str]:
    """The path of a parcel's page, as alice is told it."""

    def link(tracker: Tracker) -> str:
        url: str = as_alice.get(f"/v1/trackers/{tracker.id}").json()["trackingPageUrl"]
        return url.removeprefix("http://testserver")

    return link


@pytest.fixture
def parcel(alice: Merchant, follow: Callable[..., Tracker], poll_all: Callable[[], int]) -> Tracker:
    """Out for delivery: five scans of the sandbox."""
    made = follow(alice, "SHIP24_SAMPLE_OUT_FOR_DELIVERY_001", courierCode="sandbox")
    poll_all()
    made.refresh_from_db()
    return made
