"""What every test of webhooks begins with."""

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings as configured

from tests.subscribers import Subscriber, subscriber
from webhooks import handles, nudging
from webhooks.nudging import keys
from webhooks.paces import Pace


@pytest.fixture(autouse=True)
def no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody was nudged, and no pump runs: what the test before left in Redis is gone.

    What this one says there holds until its end, however slow the machine is, as does the quiet after a
    failure.
    """
    monkeypatch.setattr(nudging, "STALE", 600.0)
    monkeypatch.setattr(nudging, "QUIET", 600.0)
    with redis.Redis.from_url(configured.REDIS_URL) as client:
        client.delete(*keys(*Pace))


@pytest.fixture(autouse=True)
def _patience(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever answers is in time, and what is kept or leased stays so, however slow this machine is."""
    settings.DELIVERY_LEASE = 600
    settings.DELIVERY_DEADLINE = settings.DELIVERY_CONNECT_DEADLINE = settings.DELIVERY_DNS_DEADLINE = 60
    monkeypatch.setattr(handles, "IDLE_KEPT", 600)


@pytest.fixture
def server(settings) -> Iterator[Subscriber]:
    """A subscriber that may be sent to."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with subscriber() as running:
        yield running
