"""Merchants, the tenants of Parcelwire, their keys and what those repeat; and when each sweep last ended."""

import hashlib
import secrets
from collections.abc import Iterable
from typing import ClassVar, Self
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.encryption import EncryptedTextField, SealedTextField, sealed

KEY_PREFIX = "apik_"
#: Characters of a shop's name on the pages for shoppers.
PAGE_NAME = 80
#: Characters of a key that are kept readable, to tell keys apart.
SHOWN = len(KEY_PREFIX) + 6


class Scope(models.TextChoices):
    """What a key may be used for. Scopes are grants: a key may do what any of its scopes allows."""

    #: The native API, all of it.
    NATIVE = "native", "native: the whole API"
    #: `GET /v1/tracking/orders`.
    ALL24 = "all24", "all24: its tracking route"
    #: `GET /api/Order/v1/Tracking`.
    EXPRESS247 = "247express", "247express: its tracking route"
    #: The native API, what only reads.
    READ_ONLY = "read-only", "read-only: the API, without changes"


ALL_SCOPES = (Scope.NATIVE.value, Scope.ALL24.value, Scope.EXPRESS247.value, Scope.READ_ONLY.value)


is_colour = RegexValidator(r"\A#[0-9a-fA-F]{6}\Z", "expected a colour such as #1a7f5a")


def new_page_secret() -> str:
    """32 random bytes in hex, sealed."""
    return sealed(secrets.token_hex(32))


class Merchant(models.Model):
    """A tenant: owns trackers, API keys, endpoints and carrier accounts, and never sees another's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=255)
    contact_email = models.EmailField(blank=True, help_text="Told when one of its endpoints is disabled.")
    tracker_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="Subscribed trackers it may have at once. Empty: any number."
    )
    api_rate_limit = models.CharField(
        max_length=16,
        blank=True,
        db_default="",
        default="",
        validators=[
            RegexValidator(
                r"\A(default|ship24|off|[1-9]\d{0,6})\Z", "default, ship24, off, or a whole number."
            )
        ],
        help_text="default, ship24, off, or calls a second for each key and route. Empty: API_RATE_LIMIT.",
    )
    page_is_enabled = models.BooleanField(
        "pages for shoppers", db_default=True, default=True, help_text="Off: every link to one leads nowhere."
    )
    page_name = models.CharField(
        "name on them", max_length=PAGE_NAME, blank=True, db_default="", default="",
        help_text="Empty: the merchant's name.",
    )  # fmt: skip
    page_colour = models.CharField(
        "colour on them", max_length=7, blank=True, db_default="", default="",
        validators=[is_colour],
        help_text="Such as #1a7f5a. Empty: Parcelwire's.",
    )  # fmt: skip
    #: Signs the links to its pages: another one ends them all. Sealed, and opened where a link is made or
    #: followed: whoever reads a merchant's row has no need of it.
    page_secret = SealedTextField(default=new_page_secret, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]
        # For staff, who know a word of the name (`accounts.finding`).
        indexes: ClassVar = [
            GinIndex(SearchVector("name", config="simple"), name="merchant_name_words"),
        ]

    def __str__(self) -> str:
        return self.name


class PageLogo(models.Model):
    """A merchant's logo on the pages for shoppers, as it was sent; another one has another id."""

    merchant = models.OneToOneField(
        Merchant, on_delete=models.CASCADE, primary_key=True, related_name="page_logo"
    )
    #: Part of its address, so that browsers may keep it for good.
    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    media_type = models.CharField(max_length=16)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    body = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.media_type}, {self.width} by {self.height}"


class ApiKey(models.Model):
    """A bearer key of one merchant. Only a hash is stored; the key is shown once, when it is made."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="api_keys")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    shown = models.CharField(max_length=SHOWN, editable=False, help_text="The key's first characters.")
    scopes = ArrayField(
        models.CharField(max_length=16, choices=Scope.choices), db_default=list(ALL_SCOPES), blank=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.shown}…"

    @classmethod
    def issue(cls, merchant: Merchant, scopes: Iterable[str] = ALL_SCOPES) -> tuple[Self, str]:
        """Make a key for `merchant`. Returns the row and the key itself, which cannot be had again."""
        key = KEY_PREFIX + secrets.token_hex(32)
        given = [str(scope) for scope in scopes]
        made = cls.objects.create(merchant=merchant, digest=digest_of(key), shown=key[:SHOWN], scopes=given)
        return made, key


class IdempotencyKey(models.Model):
    """A POST that its caller may repeat: under way while `status` is null, else with the answer to repeat."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+", db_index=False)
    #: Method and path, without what differs from call to call: `POST trackers/{}/poll`.
    route = models.CharField(max_length=255)
    #: SHA-256 of the header, in hex: what a client puts into it is nobody's business.
    key = models.CharField(max_length=64)
    #: SHA-256 of all that the request asks for, in hex.
    digest = models.CharField(max_length=64)
    #: Whose it is while it is under way, and until when, by the database's clock.
    claim_id = models.UUIDField()
    leased_until = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(null=True)
    body = EncryptedTextField(null=True)  # type: ignore[misc]  # the field's stubs know no null
    #: The ids that the answer holds: it goes when what it tells of is erased. While the call is under way:
    #: ids that were erased since it began.
    mentions = ArrayField(models.UUIDField(), null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["merchant", "route", "key"], name="accounts_one_key_per_route"),
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="accounts_idempotency_age")]

    def __str__(self) -> str:
        return f"{self.route} {self.key[:8]}…"


class Sweep(models.Model):
    """When a sweep last ended: one row each, by the name of its task (`accounts.sweeps`)."""

    name = models.CharField(max_length=100, primary_key=True)
    ended_at = models.DateTimeField()
    #: How long it took.
    seconds = models.FloatField()

    def __str__(self) -> str:
        return self.name


def digest_of(key: str) -> str:
    """SHA-256 of a key, in hex. Keys are 32 random bytes, so a slow password hash would add nothing."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
