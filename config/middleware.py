"""What every request passes: an id that is answered, HTTPS in production, and a limit on its body."""

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    JsonResponse,
    UnreadablePostError,
)
from rest_framework.permissions import SAFE_METHODS
from uuid_utils.compat import uuid7

from accounts.authentication import is_known
from accounts.errors import envelope
from config.logs import asking
from trackers.waiting import Room

GetResponse = Callable[[HttpRequest], HttpResponse]
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_CHUNK = 64 * 1024
#: Asked by the machine's own probes, without a key.
_PLAIN_PATHS = frozenset({"/healthz", "/readyz"})
#: Asked by people, who have no key.
_SHOPPERS = "/track/"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_forms = Room()
_HTTPS_REQUIRED = "Call over HTTPS. This key was sent in clear: revoke it, and take another."


def request_id(get_response: GetResponse) -> GetResponse:
    """Answer `x-request-id`: the caller's own where it is a plain token, else a fresh one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("x-request-id", "")
        own = given if _ACCEPTABLE_ID.fullmatch(given) else str(uuid7())
        response = asking.answered(own, request, get_response)
        response["x-request-id"] = own
        return response

    return middleware


def no_length_of_nothing(get_response: GetResponse) -> GetResponse:
    """Take the length from a 304: Django says 0, and it would be that of the answer held (RFC 9110, 8.6)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code == 304:
            response.headers.pop("Content-Length", None)
        return response

    return middleware


def https_only(get_response: GetResponse) -> GetResponse:
    """Where HTTPS_ONLY is set, fail a call over plain HTTP: 403 `https_required`, in the route's own shape.

    Never a redirect: the key has been sent in clear by then, and a client that follows would not notice. But
    shoppers, who have no key, are led to their page.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not settings.HTTPS_ONLY or request.is_secure() or request.path in _PLAIN_PATHS:
            return get_response(request)
        if request.path.startswith(_SHOPPERS) and request.method in SAFE_METHODS:
            return HttpResponsePermanentRedirect(f"https://{request.get_host()}{request.get_full_path()}")
        return JsonResponse(_in_clear(request.path), status=403)

    return middleware


def _in_clear(path: str) -> dict[str, Any]:
    """The served dialects' clients read their own shape; 247Express has no code for it but EXCEPTION."""
    match path:
        case "/v1/tracking/orders":
            return {"response_code": 403, "error_codes": ["https_required"]}
        case "/api/Order/v1/Tracking":
            return {"errorCode": "EXCEPTION", "errorMessage": f"https_required: {_HTTPS_REQUIRED}"}
    return envelope(("https_required", _HTTPS_REQUIRED))


def body_limit(get_response: GetResponse) -> GetResponse:
    """Refuse a body over BODY_LIMIT with 413, after reading it away so that the client sees the answer.

    Only a caller with a good key is read from so: anybody else could hold a thread for as long as it likes.
    A body without a length (in chunks, or in HTTP/2) cannot be judged, and Django would read nothing of it:
    411 says so.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if _has_no_length(request):
            return _refusal(411, "Send the body with a Content-Length instead of in chunks.")
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length <= settings.BODY_LIMIT:
            return get_response(request)
        if is_known(request):
            _drain(request, min(length, settings.BODY_DRAIN_LIMIT))
        return _refusal(413, f"The body is {length} bytes long; at most {settings.BODY_LIMIT} are taken.")

    return middleware


def _has_no_length(request: HttpRequest) -> bool:
    """Whether it comes with a body of unknown length; in HTTP/2, what has a type without a length is one."""
    if "chunked" in request.headers.get("transfer-encoding", "").lower():
        return True
    in_frames = request.META.get("SERVER_PROTOCOL", "").startswith("HTTP/2")
    comes = request.method in _WITH_BODY and bool(request.content_type)
    return in_frames and comes and not request.META.get("CONTENT_LENGTH")


class FormsOfStrangers:
    """Lets forms that stop half way hold a quarter of the threads at most; beyond that: 503.

    The API reads a body once it knows the caller. Django's check against forged forms, which every other
    view passes, reads it from anybody, for as long as its sender likes. So it is read here.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_: object
    ) -> HttpResponse | None:
        """Before that check: the body is there when this has passed."""
        if getattr(view, "csrf_exempt", False) or int(request.META.get("CONTENT_LENGTH") or 0) == 0:
            return None
        with _forms.place() as given:
            if given and _arrived(request):
                return None
        message = "Too many forms are being read; try again after Retry-After."
        busy = envelope(("processing_error", message))
        return JsonResponse(busy, status=503, headers={"Retry-After": "1"})


def _arrived(request: HttpRequest) -> bool:
    """Wait for the whole body; whether it came."""
    try:
        return request.body is not None
    except UnreadablePostError:
        return False


def _refusal(status: int, message: str) -> JsonResponse:
    return JsonResponse(envelope(("validation_error", message)), status=status)


def _drain(request: HttpRequest, most: int) -> None:
    left = most
    while left > 0:
        chunk = request.read(min(_CHUNK, left))
        if not chunk:
            return
        left -= len(chunk)
