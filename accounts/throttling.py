"""How often a key may call a route: counted in windows of one second, across all processes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil

from django.conf import settings
from limits import RateLimitItemPerSecond

from accounts.authentication import Caller
from accounts.counting import counter
from accounts.errors import ApiError

#: Calls a second for each key and route.
DEFAULT = 100
#: The figures that Ship24 publishes, and what it has for most of its routes.
SHIP24: Mapping[str, int] = {
    "POST trackers/bulk": 3,
    "POST trackers/{}/webhook-events/resend": 1,
    "GET couriers": 1,
}
SHIP24_ELSE = 10
#: Seconds. The window ends within one second of any call in it, and headers hold whole seconds.
_WINDOW = 1


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether a call may go on, and what its answer says of the calls that are left."""

    allowed: bool
    headers: dict[str, str] = field(default_factory=dict)


def take(caller: Caller, route: str) -> Allowance:
    """Count one call of this key to a route (`accounts.routes.route_of`, or a dialect's name).

    Without a limit, or without Redis, the call may go on and the headers are empty.
    """
    rate = rate_of(caller.rate_limit or settings.API_RATE_LIMIT, route)
    if rate is None:
        return Allowance(allowed=True)
    count = counter(settings.REDIS_URL).count(_item(rate), str(caller.key_id), route)
    if count is None:
        return Allowance(allowed=True)
    headers = _headers(rate, max(0, rate - count))
    if count <= rate:
        return Allowance(allowed=True, headers=headers)
    return Allowance(allowed=False, headers=headers | {"Retry-After": str(_WINDOW)})


def refusal(allowance: Allowance) -> ApiError:
    """429 `too_many_requests`."""
    limit = allowance.headers["RateLimit-Limit"]
    message = f"More than {limit} calls a second with this key to this route; try again after Retry-After."
    return ApiError(429, "too_many_requests", message, allowance.headers)


def rate_of(policy: str, route: str) -> int | None:
    """Calls a second that a policy allows a key on a route: None for any number.

    A policy is `default`, `ship24`, `off`, or the number itself.
    """
    match policy:
        case "off":
            return None
        case "default":
            return DEFAULT
        case "ship24":
            return SHIP24.get(route, SHIP24_ELSE)
    return int(policy)


@lru_cache(maxsize=64)
def _item(rate: int) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(rate, _WINDOW, namespace="parcelwire")


def _headers(limit: int, remaining: int) -> dict[str, str]:
    """As Ship24 sends them: seconds in the draft's own, the moment in those with X."""
    ends = ceil(time.time()) + _WINDOW
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(_WINDOW),
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(ends),
    }
