"""One line for each request: what was asked, whose it was, what came of it, how long it took."""

import logging
from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars

from config.logs.lines import route_of

logger = logging.getLogger(__name__)

#: Asked by machines every few seconds: these are for DEBUG.
_PROBES = frozenset({"/healthz", "/readyz"})


def answered(
    request_id: str, request: HttpRequest, get_response: Callable[[HttpRequest], HttpResponse]
) -> HttpResponse:
    """The response. Every line that its thread writes meanwhile has the request's id.

    Whoever finds out for which merchant it is binds `merchant_id`.
    """
    began = perf_counter()
    clear_contextvars()  # a thread serves one request after the other
    bind_contextvars(request_id=request_id)
    response = get_response(request)
    level = logging.DEBUG if request.path in _PROBES else logging.INFO
    if logger.isEnabledFor(level):
        said = {
            "method": request.method,
            "route": route_of(request),
            "status": response.status_code,
            "milliseconds": round((perf_counter() - began) * 1000, 1),
        }
        logger.log(level, "request", extra=said)
    return response
