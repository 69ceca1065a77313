"""What a route is called where calls are counted and repeats are known."""

import re
from functools import lru_cache

from django.http import HttpRequest

_PREFIX = re.compile(r"\A/?(public/)?v1/")
_PARAMETER = re.compile(r"<[^>]*>")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def route_of(request: HttpRequest) -> str:
    """Method and path, without what differs from call to call: `GET trackers/{}/results`.

    The same under /v1 and /public/v1, and for every method that only reads.
    """
    match = request.resolver_match
    return _name(request.method or "GET", match.route if match else request.path)


@lru_cache(maxsize=512)
def _name(method: str, path: str) -> str:
    verb = "GET" if method in _READS else method
    return f"{verb} {_PARAMETER.sub('{}', _PREFIX.sub('', path))}"
