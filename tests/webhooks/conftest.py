"""What every test of webhooks begins with."""

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings as configured

from tests.subscribers import Subscriber, subscriber
from webhooks.nudging import keys
from webhooks.paces import Pace


@pytest.fixture(autouse=True)
def no_news() -> None:
    """Nobody was nudged, and no pump runs: what the test before left in Redis is gone."""
    with redis.Redis.from_url(configured.REDIS_URL) as client:
        client.delete(*keys(*Pace))


@pytest.fixture
def server(settings) -> Iterator[Subscriber]:
    """A subscriber that may be sent to."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with subscriber() as running:
        yield running
