"""Merchants, the tenants of Parcelwire, and the keys that their programs call with."""

import hashlib
import secrets
from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

KEY_PREFIX = "apik_"
#: Characters of a key that are kept readable, to tell keys apart.
SHOWN = len(KEY_PREFIX) + 6


class Merchant(models.Model):
    """A tenant: owns trackers, API keys, endpoints and carrier accounts, and never sees another's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=255)
    contact_email = models.EmailField(blank=True, help_text="Told when one of its endpoints is disabled.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A bearer key of one merchant. Only a hash is stored; the key is shown once, when it is made."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="api_keys")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    shown = models.CharField(max_length=SHOWN, editable=False, help_text="The key's first characters.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.shown}…"

    @classmethod
    def issue(cls, merchant: Merchant) -> tuple[Self, str]:
        """Make a key for `merchant`. Returns the row and the key itself, which cannot be had again."""
        key = KEY_PREFIX + secrets.token_hex(32)
        return cls.objects.create(merchant=merchant, digest=digest_of(key), shown=key[:SHOWN]), key


def digest_of(key: str) -> str:
    """SHA-256 of a key, in hex. Keys are 32 random bytes, so a slow password hash would add nothing."""
    return hashlib.sha256(key.encode()).hexdigest()
