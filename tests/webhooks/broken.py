"""Endpoints whose secrets or headers cannot be read, or are malformed."""

import json

from cryptography.fernet import Fernet
from django.db import connection

from webhooks.models import Endpoint


def of_other_keys(endpoint: Endpoint, column: str = "secret") -> None:
    """As if it had been written with keys that are gone."""
    token = Fernet(Fernet.generate_key()).encrypt(b"whsec_TOPSECRET").decode()
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE webhooks_endpoint SET {column} = %s WHERE id = %s", [token, endpoint.id])


def break_it(endpoint: Endpoint, how: str) -> None:
    if how.startswith("keys of "):
        of_other_keys(endpoint, how.removeprefix("keys of "))
        return
    field, value = {
        "no base64": ("secret", "whsec_!!!"),
        "empty": ("secret", ""),
        "no json": ("headers", '{"TOPSECRET'),
        "no object": ("headers", '["TOPSECRET"]'),
        "no text": ("headers", '{"X-Own": 1}'),
        "two lines": ("headers", json.dumps({"X-Own": "TOPSECRET\r\nX-More: 1"})),
        "no ascii": ("headers", json.dumps({"X-Own": "TOPSECRET-\N{SNOWMAN}"})),
        "no pair": ("secret", "whsk_TOPSECRET"),
        "no list": ("old_secrets", '{"TOPSECRET": 1}'),
        "no time": ("old_secrets", '[{"secret": "whsec_TOPSECRET", "until": "2026-03-01T12:00:00"}]'),
        "no old key": ("old_secrets", '[{"secret": "whsec_TOP!", "until": "2026-03-01T12:00:00Z"}]'),
    }[how]
    setattr(endpoint, field, value)
    endpoint.save(update_fields=[field])
