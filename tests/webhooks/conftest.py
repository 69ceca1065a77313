"""What every test of webhooks begins with."""

import pytest
import redis
from django.conf import settings

from webhooks.nudging import keys
from webhooks.paces import Pace


@pytest.fixture(autouse=True)
def no_news() -> None:
    """Nobody was nudged, and no pump runs: what the test before left in Redis is gone."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(*keys(*Pace))
