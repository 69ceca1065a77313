"""Who is calling: `Authorization: Bearer apik_…`."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from structlog.contextvars import bind_contextvars

from accounts.asking import ask
from accounts.errors import ApiError
from accounts.models import digest_of

# All that a request needs to know of its key, in one statement: every read pays for it. `last_used_at` is
# exact to a minute, since a write per call would cost more than the call.
_TOLD = """
SELECT json_build_array(key.id, key.merchant_id, key.scopes, merchant.api_rate_limit,
       CASE WHEN merchant.page_is_enabled THEN merchant.page_secret END,
       key.last_used_at IS NULL OR key.last_used_at < now() - interval '1 minute')
"""
_OF_KEY = """
FROM accounts_apikey AS key JOIN accounts_merchant AS merchant ON merchant.id = key.merchant_id
WHERE key.digest = $1 AND key.revoked_at IS NULL AND merchant.deleted_at IS NULL
"""
# Whoever holds the row, another call or an admin's, is not waited for.
_NOTE_USE = """
UPDATE accounts_apikey SET last_used_at = now() WHERE id = (
    SELECT id FROM accounts_apikey
    WHERE id = %s AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
    FOR NO KEY UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """The merchant that a request speaks for, and the key it showed."""

    merchant_id: UUID
    key_id: UUID
    scopes: frozenset[str] = frozenset()
    #: The merchant's own limit: `default`, `ship24`, `off`, or calls a second; "" is API_RATE_LIMIT.
    rate_limit: str = ""
    #: What signs links to its parcels' pages, as the database holds it; None: it has switched them off.
    page_secret: str | None = None
    is_authenticated: bool = True


@dataclass(frozen=True, slots=True)
class Beside:
    """What is read in the statement that looks up the key, for a route that is called very often.

    `sql` is a SELECT of one JSON value at most. In it `key.merchant_id` is the caller's, and $2 is `value`.
    """

    sql: str
    value: str


class BearerAuthentication(BaseAuthentication):
    """Bearer keys. The scheme is taken in any case."""

    def authenticate(self, request: Request) -> tuple[Caller, Any]:
        """The caller, and what was found beside the key where the view has a `beside_key`.

        Raises ApiError: 400 auth_missing_header, 400 auth_invalid_header, 401 auth_invalid_api_key.
        """
        beside_key = getattr(request.parser_context["view"], "beside_key", None)
        beside = beside_key(request) if beside_key else None
        return _authenticated(request.headers.get("Authorization", ""), beside)


def is_known(request: HttpRequest) -> bool:
    """Whether the request shows a good key; never raises ApiError."""
    try:
        _authenticated(request.headers.get("Authorization", ""))
    except ApiError:
        return False
    return True


def caller_of_key(key: str) -> Caller | None:
    """Whose key it is, noting its use; None where it is unknown or revoked, or its merchant deleted."""
    return _look_up(key, None)[0]


def _look_up(key: str, beside: Beside | None) -> tuple[Caller | None, Any]:
    if beside:
        found = ask(f"{_TOLD}, ({beside.sql}) {_OF_KEY}", digest_of(key), beside.value)
    else:
        found = ask(_TOLD + _OF_KEY, digest_of(key))
    if not found:
        return None, None
    (key_id, merchant_id, scopes, rate_limit, page_secret, stale), *rest = found[0]
    if stale:
        with connection.cursor() as cursor:
            cursor.execute(_NOTE_USE, [key_id])
    bind_contextvars(merchant_id=merchant_id)  # for every line of the log about this request
    caller = Caller(UUID(merchant_id), UUID(key_id), frozenset(scopes), rate_limit, page_secret)
    return caller, rest[0] if rest else None


def caller_of(request: Request) -> Caller:
    """The caller that this request was found to come from. Raises ApiError where it showed no key."""
    caller = request.user
    if not isinstance(caller, Caller):
        raise ApiError(401, "auth_invalid_api_key", "This route needs an API key.")
    return caller


def merchant_of(request: Request) -> UUID:
    """The id of the merchant that this request speaks for."""
    return caller_of(request).merchant_id


def _authenticated(header: str, beside: Beside | None = None) -> tuple[Caller, Any]:
    if not header:
        raise ApiError(400, "auth_missing_header", "Send the header Authorization: Bearer <API key>.")
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise ApiError(400, "auth_invalid_header", "The Authorization header is not Bearer <API key>.")
    caller, found = _look_up(key.strip(), beside)
    if caller is None:
        raise ApiError(
            401, "auth_invalid_api_key", "This API key is unknown or revoked.", {"WWW-Authenticate": "Bearer"}
        )
    return caller, found
