"""What every request passes: an id that is answered, and a limit on its body."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from uuid_utils.compat import uuid7

from accounts.authentication import is_known
from accounts.errors import envelope

GetResponse = Callable[[HttpRequest], HttpResponse]
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_CHUNK = 64 * 1024


def request_id(get_response: GetResponse) -> GetResponse:
    """Answer `x-request-id`: the caller's own where it is a plain token, else a fresh one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("x-request-id", "")
        response = get_response(request)
        response["x-request-id"] = given if _ACCEPTABLE_ID.fullmatch(given) else str(uuid7())
        return response

    return middleware


def body_limit(get_response: GetResponse) -> GetResponse:
    """Refuse a body over BODY_LIMIT with 413, after reading it away so that the client sees the answer.

    Only a caller with a good key is read from so: anybody else could hold a thread for as long as it likes.
    A body sent in chunks has no length to judge, and Django would read nothing of it: 411 says so.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if "chunked" in request.headers.get("transfer-encoding", "").lower():
            return _refusal(411, "Send the body with a Content-Length instead of in chunks.")
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length <= settings.BODY_LIMIT:
            return get_response(request)
        if is_known(request):
            _drain(request, min(length, settings.BODY_DRAIN_LIMIT))
        return _refusal(413, f"The body is {length} bytes long; at most {settings.BODY_LIMIT} are taken.")

    return middleware


def _refusal(status: int, message: str) -> JsonResponse:
    return JsonResponse(envelope(("validation_error", message)), status=status)


def _drain(request: HttpRequest, most: int) -> None:
    left = most
    while left > 0:
        chunk = request.read(min(_CHUNK, left))
        if not chunk:
            return
        left -= len(chunk)
