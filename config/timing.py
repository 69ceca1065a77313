"""How long calls take, by the route they came to."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts.measuring import Timing

CALLS = Timing(
    "request_duration_seconds",
    "How long calls took, by the pattern of their route and the status of the answer",
    ("method", "route", "status"),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0),
)
#: A caller may say any word.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: What came to no route, or was refused before.
_NO_ROUTE = "none"


def timed(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Note how long each call took. Only a part of the middleware where figures are wanted."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = get_response(request)
        method = request.method if request.method in _METHODS else "other"
        match = request.resolver_match
        labels = (str(method), match.route if match else _NO_ROUTE, str(response.status_code))
        CALLS.note([(labels, time.perf_counter() - began)])
        return response

    return middleware
