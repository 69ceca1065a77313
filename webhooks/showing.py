"""Endpoints as merchants and operators see them: the secrets are opened, and never carried along."""

import json
from dataclasses import dataclass

from cryptography.fernet import InvalidToken, MultiFernet
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from accounts.encryption import cipher
from webhooks.models import SECRET_COLUMNS, Endpoint


@dataclass(frozen=True, slots=True)
class Shown:
    """An endpoint without its secrets. `header_names` is None where one of SECRET_COLUMNS cannot be read."""

    endpoint: Endpoint
    header_names: tuple[str, ...] | None

    @classmethod
    def fresh(cls, endpoint: Endpoint) -> "Shown":
        """One that was just registered."""
        return cls(endpoint, tuple(endpoint.own_headers))


def shown(found: QuerySet[Endpoint]) -> list[Shown]:
    """These endpoints: one statement, whatever keys there are."""
    tokens = {_token(name): Cast(name, TextField()) for name in SECRET_COLUMNS}
    keys = cipher()
    return [Shown(row, _names(keys, row)) for row in found.defer(*SECRET_COLUMNS).annotate(**tokens)]


def _token(column: str) -> str:
    """The name under which it comes along encrypted."""
    return f"{column}_token"


def _names(keys: MultiFernet, row: Endpoint) -> tuple[str, ...] | None:
    tokens = {name: getattr(row, _token(name)) for name in SECRET_COLUMNS}
    try:
        texts = {name: keys.decrypt(token.encode()) for name, token in tokens.items() if token is not None}
        headers = json.loads(texts["headers"])
    except (InvalidToken, ValueError):
        return None
    return tuple(headers) if isinstance(headers, dict) else None
