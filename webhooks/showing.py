"""Endpoints as merchants and operators see them: the secrets are opened, and never carried along."""

import json
from dataclasses import dataclass

from cryptography.fernet import InvalidToken
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from accounts.encryption import cipher
from webhooks.models import Endpoint


@dataclass(frozen=True, slots=True)
class Shown:
    """An endpoint without its secrets. `header_names` is None where secret or headers cannot be read."""

    endpoint: Endpoint
    header_names: tuple[str, ...] | None

    @classmethod
    def fresh(cls, endpoint: Endpoint) -> "Shown":
        """One that was just registered."""
        return cls(endpoint, tuple(endpoint.own_headers))


def shown(found: QuerySet[Endpoint]) -> list[Shown]:
    """These endpoints: one statement, whatever keys there are."""
    text = TextField()
    rows = found.defer("secret", "headers").annotate(
        secret_token=Cast("secret", text), headers_token=Cast("headers", text)
    )
    return [Shown(row, _names(row.secret_token, row.headers_token)) for row in rows]


def _names(secret_token: str, headers_token: str) -> tuple[str, ...] | None:
    keys = cipher()
    try:
        keys.decrypt(secret_token.encode())
        headers = json.loads(keys.decrypt(headers_token.encode()))
    except (InvalidToken, ValueError):
        return None
    return tuple(headers) if isinstance(headers, dict) else None
