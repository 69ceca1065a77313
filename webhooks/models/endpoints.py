"""Endpoints, and what is kept of each besides what it is told."""

import json
from functools import cached_property
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.encryption import EncryptedTextField
from accounts.models import Merchant
from webhooks import hosts
from webhooks.backoff import DEFAULT_SCHEDULE
from webhooks.filters import DEFAULT_TYPES
from webhooks.headers import is_name, is_value
from webhooks.hiding import Secrets
from webhooks.keyring import Keyring, Keys, read_old

MAX_URL = 2048
#: Columns that no answer shows, and that lost or wrong encryption keys make unreadable.
SECRET_COLUMNS = ("secret", "old_secrets", "headers")


def default_types() -> list[str]:
    return list(DEFAULT_TYPES)


def default_schedule() -> list[int]:
    return list(DEFAULT_SCHEDULE)


class Signature(models.TextChoices):
    """How an endpoint's messages are signed; `webhooks.signing` has the forms of the keys."""

    #: HMAC-SHA256 with a secret that both sides have.
    V1 = "v1"
    #: Ed25519: Parcelwire keeps the private key, the subscriber has the public one.
    V1A = "v1a"


class Endpoint(models.Model):
    """A merchant's subscriber URL with its secret, filters and health. Deleted ones stay as rows, unseen.

    `failing_since` and `failing_tries` speak of the run of failed tries since the last success.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        #: By its merchant: messages are held.
        PAUSED = "paused"
        #: By Parcelwire, for `disabled_reason`: messages are held.
        DISABLED = "disabled"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    url = models.TextField()
    types = ArrayField(models.CharField(max_length=64), default=default_types)
    couriers = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    #: Of URL and filters: one merchant has each once.
    fingerprint = models.CharField(max_length=64, editable=False)
    description = models.TextField(blank=True, default="")
    #: A JSON object: the endpoint's own request headers.
    headers = EncryptedTextField(default="{}")
    signature = models.CharField(max_length=3, choices=Signature, db_default=Signature.V1)
    #: `whsec_` of v1, `whsk_` of v1a: what messages are signed with.
    secret = EncryptedTextField()
    #: `whpk_`, that of `secret`; "" for v1.
    public_key = models.TextField(blank=True, db_default="", default="", editable=False)
    #: A JSON list of `{"secret", "until"}`, newest first: what messages are signed with besides, until then.
    old_secrets = EncryptedTextField(null=True)  # type: ignore[misc]  # the field's stubs know no null
    retry_schedule = ArrayField(models.IntegerField(), default=default_schedule)
    max_in_flight = models.PositiveSmallIntegerField(default=10)
    #: Tries a second at most; null: as fast as `max_in_flight` allows.
    rate_limit = models.PositiveIntegerField(null=True)
    #: Whether a parcel's next message waits until the one before it has ended.
    ordered = models.BooleanField(db_default=False, default=False)
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    disabled_reason = models.CharField(max_length=64, blank=True, default="")
    disabled_at = models.DateTimeField(null=True, editable=False)
    paused_at = models.DateTimeField(null=True, editable=False)
    #: The test delivery whose success makes it active; null: nobody asked for it.
    enabling_by = models.UUIDField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    failing_tries = models.IntegerField(default=0, editable=False)
    #: Tries in a row that timed out; and since when they are so many that it goes at the late pace.
    timeouts = models.SmallIntegerField(db_default=0, default=0, editable=False)
    slow_since = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant", "fingerprint"],
                condition=models.Q(deleted_at=None),
                name="endpoint_once_per_merchant",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["active", "paused", "disabled"]), name="endpoint_state"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(slow_since__isnull=False), name="endpoint_slow"),
            # The newest of those that need a person (`webhooks.alerts`).
            models.Index(
                fields=["disabled_at"],
                condition=models.Q(state="disabled", deleted_at=None),
                name="endpoint_disabled",
            ),
            # For staff, over all merchants: by host and its ends (`webhooks.hosts`), and by state.
            models.Index(OpClass(hosts.backwards("url"), name="text_pattern_ops"), name="endpoint_host"),
            models.Index(fields=["state", "id"], name="endpoint_state"),
            # Those whose secrets, and later whose rows, are to go (`webhooks.retention`).
            models.Index(
                fields=["deleted_at"],
                condition=models.Q(deleted_at__isnull=False),
                name="endpoint_deleted",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @cached_property
    def own_headers(self) -> dict[str, str]:
        """The endpoint's own request headers by name. Raises ValueError where they are malformed."""
        own: object = json.loads(self.headers)
        if not isinstance(own, dict) or not all(is_name(name) and is_value(own[name]) for name in own):
            raise ValueError("no header names and values")
        return own

    @property
    def keys(self) -> Keys:
        """What its messages are signed with now."""
        return Keys(self.signature, self.secret, self.public_key)

    @cached_property
    def keyring(self) -> Keyring:
        """What its messages are signed with. Raises ValueError where that is malformed."""
        return Keyring(self.secret, read_old(self.old_secrets))

    @cached_property
    def secrets(self) -> Secrets:
        """What no record of its answers may show."""
        old = [each.secret for each in read_old(self.old_secrets)]
        return Secrets([self.secret, *old], self.own_headers.values())


class Lane(models.Model):
    """What all who claim an endpoint's deliveries agree on: whoever claims locks this row first.

    A row of its own, narrow and often written, beside the endpoint's, which is neither.
    """

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, primary_key=True, related_name="lane")
    #: Due time and id of the last delivery, in this order, that was under way after the last claim. Nothing
    #: under way comes after it, so that counting it reads no backlog.
    claimed_through = models.DateTimeField(null=True)
    claimed_through_id = models.UUIDField(null=True)
    #: The same of its late deliveries.
    late_through = models.DateTimeField(null=True)
    late_through_id = models.UUIDField(null=True)
    #: When tries began that count against `rate_limit`, and how many of them, in order: those of some
    #: milliseconds together, by the last of them. Some may count no more. Null: there was no limit.
    recent_at = ArrayField(models.DateTimeField(), null=True)
    recent = ArrayField(models.IntegerField(), null=True)

    def __str__(self) -> str:
        return str(self.endpoint_id)


class Tally(models.Model):
    """What came of the scheduled and other tries at an endpoint that were settled in five minutes."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="+", db_index=False)
    #: When the five minutes begin, by the database's clock.
    since = models.DateTimeField()
    #: One of `webhooks.exchanges.Failure`; "" for success.
    error = models.CharField(max_length=18, blank=True)
    tries = models.IntegerField()
    #: Of the tries whose end somebody saw: the sum, and the longest.
    duration_ms = models.BigIntegerField()
    slowest_ms = models.IntegerField()

    class Meta:
        verbose_name_plural = "tallies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "since", "error"], name="tally_once_per_outcome"),
        ]
        indexes: ClassVar = [models.Index(fields=["since"], name="tally_by_age")]

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.since:%Y-%m-%d %H:%M} {self.error or 'success'}"


class Notice(models.Model):
    """An e-mail that a merchant is owed because one of its endpoints was disabled.

    The address is the merchant's at the moment of sending, and is not kept here.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="+", db_index=False)
    reason = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())
    #: Null: it was sent, or given up.
    next_try_at = models.DateTimeField(null=True, db_default=Now())
    claim_id = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    tries = models.SmallIntegerField(db_default=0)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["next_try_at"],
                condition=models.Q(next_try_at__isnull=False),
                name="notice_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.reason}"
