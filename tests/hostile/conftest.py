"""Merchants with parcels, and a carrier that sends whatever a test says."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.hostile.wire import WireServer, wire_server
from tests.trackers.conftest import _long_leases, account, carrier, follow, poll_all
from tests.webhooks.conftest import _patience, no_news

__all__ = ["_long_leases", "_patience", "account", "carrier", "follow", "no_news", "poll_all"]


@pytest.fixture
def wire(settings: Settings) -> Iterator[WireServer]:
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with wire_server() as server:
        yield server
