"""Who is calling: `Authorization: Bearer apik_…`."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.errors import ApiError
from accounts.models import ApiKey, digest_of

#: How exact `last_used_at` is; a write per call would cost more than the call.
LAST_USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Caller:
    """The merchant that a request speaks for, and the key it showed."""

    merchant_id: UUID
    key_id: UUID
    is_authenticated: bool = True


class BearerAuthentication(BaseAuthentication):
    """Bearer keys. The scheme is taken in any case."""

    def authenticate(self, request: Request) -> tuple[Caller, None]:
        """Raises ApiError: 400 auth_missing_header, 400 auth_invalid_header, 401 auth_invalid_api_key."""
        return _authenticated(request.headers.get("Authorization", "")), None


def is_known(request: HttpRequest) -> bool:
    """Whether the request shows a good key; never raises ApiError."""
    try:
        _authenticated(request.headers.get("Authorization", ""))
    except ApiError:
        return False
    return True


def _authenticated(header: str) -> Caller:
    if not header:
        raise ApiError(400, "auth_missing_header", "Send the header Authorization: Bearer <API key>.")
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise ApiError(400, "auth_invalid_header", "The Authorization header is not Bearer <API key>.")
    return _caller(key.strip())


def _caller(key: str) -> Caller:
    found = (
        ApiKey.objects.filter(digest=digest_of(key), revoked_at=None)
        .only("id", "merchant_id", "last_used_at")
        .first()
    )
    if found is None:
        raise ApiError(
            401, "auth_invalid_api_key", "This API key is unknown or revoked.", {"WWW-Authenticate": "Bearer"}
        )
    if found.last_used_at is None or found.last_used_at < timezone.now() - LAST_USED_EVERY:
        ApiKey.objects.filter(id=found.id).update(last_used_at=Now())
    return Caller(merchant_id=found.merchant_id, key_id=found.id)


def merchant_of(request: Request) -> UUID:
    """The id of the merchant that this request speaks for."""
    caller = request.user
    if not isinstance(caller, Caller):
        raise ApiError(401, "auth_invalid_api_key", "This route needs an API key.")
    return caller.merchant_id
