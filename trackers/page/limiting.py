"""How often one address may call pages: counted in Redis, in windows of a minute across all processes."""

from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest
from limits import RateLimitItemPerMinute

from accounts.clients import counted_address
from accounts.counting import counter

#: Seconds after which a window is surely over.
WINDOW = 60


def is_too_often(request: HttpRequest) -> bool:
    """Count this call; whether its address has made more than TRACKING_PAGE_RATE_LIMIT in this minute.

    Without Redis, and where a proxy hides who calls, no call is too often.
    """
    limit = settings.TRACKING_PAGE_RATE_LIMIT
    address = counted_address(request) if limit else None
    if address is None:
        return False
    count = counter(settings.REDIS_URL).count(_item(limit), "page", address)
    return count is not None and count > limit


@lru_cache(maxsize=8)
def _item(limit: int) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(limit, namespace="parcelwire")
