"""Errors of the API and their one envelope: `{"errors": [{"code", "message"}], "data": null}`."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from django.http.request import HttpRequest
from rest_framework import exceptions
from rest_framework.response import Response

logger = logging.getLogger(__name__)

#: Codes for what Django REST framework raises by itself.
_CODES: dict[type[exceptions.APIException], str] = {
    exceptions.ParseError: "parsing_error",
    exceptions.NotFound: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.PermissionDenied: "forbidden",
    exceptions.Throttled: "too_many_requests",
}
#: Codes that a field may give its fault; of any other it is a `validation_error`.
FIELD_CODES = frozenset({"missing_mandatory_field"})


class ApiError(exceptions.APIException):
    """An answer that is an error: HTTP status, Ship24's code, and a message that names the field, if any."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail=message, code=code)
        self.status_code = status
        self.code = code
        self.headers = headers or {}


def not_found(code: str, message: str) -> ApiError:
    """404 for what does not exist, and for what is another merchant's: nobody can tell which."""
    return ApiError(404, code, message)


def envelope(*errors: tuple[str, str]) -> dict[str, Any]:
    """The body of an error answer, from (code, message) pairs."""
    return {"errors": [{"code": code, "message": message} for code, message in errors], "data": None}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's hook. None (an error of ours) becomes a 500 through `server_error`."""
    match error:
        case ApiError():
            return Response(
                envelope((error.code, str(error.detail))), status=error.status_code, headers=error.headers
            )
        case exceptions.ValidationError():
            return Response(envelope(*faults(error.detail)), status=400)
        case Http404():
            return Response(envelope(("not_found", "Nothing is here.")), status=404)
        case PermissionDenied():
            return Response(envelope(("forbidden", "This is not allowed.")), status=403)
        case exceptions.APIException():
            code = _CODES.get(type(error), "processing_error")
            return Response(envelope((code, str(error.detail))), status=error.status_code)
    return None


def faults(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Flatten a serializer's errors into pairs of a code and `field.sub[0]: what was expected`."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from faults(inner, path + _step(name, path))
    elif isinstance(detail, list) and any(isinstance(item, Mapping | list) for item in detail):
        for index, inner in enumerate(detail):
            if inner:
                yield from faults(inner, f"{path}[{index}]")
    else:
        for item in detail if isinstance(detail, list) else [detail]:
            yield _fault_code(item), f"{path}: {item}" if path else str(item)


def _fault_code(item: Any) -> str:
    code = getattr(item, "code", None)
    return code if code in FIELD_CODES else "validation_error"


def _step(name: str | int, path: str) -> str:
    if isinstance(name, int):
        return f"[{name}]"
    return "" if name == "non_field_errors" else f".{name}" if path else name


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """handler400: what Django refuses by itself, such as a strange host or over a thousand parameters."""
    return JsonResponse(envelope(("validation_error", "The request is not one that is taken.")), status=400)


def route_not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """handler404: an unknown route, in the same envelope."""
    return JsonResponse(envelope(("not_found", "Nothing is here.")), status=404)


def server_error(request: HttpRequest) -> JsonResponse:
    """handler500: says nothing of the inside."""
    return JsonResponse(envelope(("processing_error", "Something went wrong on our side.")), status=500)
