"""What answers about webhooks have in common."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts.errors import ApiError
from webhooks.places import Place


def body_of(request: Request, serializer: type[Serializer[Any]], *, optional: bool = False) -> dict[str, Any]:
    """The body as this serializer reads it; `optional`: none at all counts as an empty one.

    Raises ApiError 400 and ValidationError.
    """
    # Without a body Django REST framework makes an empty object of it, or an empty form.
    is_there = optional or request.stream is not None
    if not is_there or not isinstance(request.data, dict):
        raise ApiError(400, "validation_error", "The body is not a JSON object.")
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    valid: dict[str, Any] = body.validated_data
    return valid


def cursor(following: UUID | Place | None) -> str | None:
    return str(following) if following else None


def data(status: int = 200, /, **fields: Any) -> Response:
    return Response({"data": fields}, status=status)
