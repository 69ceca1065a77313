"""Endpoints, what they are told, and every try of telling them."""

import json
from functools import cached_property
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.encryption import EncryptedTextField
from accounts.models import Merchant
from webhooks.backoff import DEFAULT_SCHEDULE
from webhooks.filters import DEFAULT_TYPES
from webhooks.hiding import Secrets

MAX_URL = 2048


def default_types() -> list[str]:
    return list(DEFAULT_TYPES)


def default_schedule() -> list[int]:
    return list(DEFAULT_SCHEDULE)


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
    secret = EncryptedTextField()
    retry_schedule = ArrayField(models.IntegerField(), default=default_schedule)
    max_in_flight = models.PositiveSmallIntegerField(default=10)
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    disabled_reason = models.CharField(max_length=64, blank=True, default="")
    disabled_at = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    failing_tries = models.IntegerField(default=0, editable=False)
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

    def __str__(self) -> str:
        return str(self.id)

    @cached_property
    def own_headers(self) -> dict[str, str]:
        """The endpoint's own request headers by name."""
        own: dict[str, str] = json.loads(self.headers)
        return own

    @cached_property
    def secrets(self) -> Secrets:
        """What no record of its answers may show."""
        return Secrets(self.secret, self.own_headers.values())


class Message(models.Model):
    """What one append tells subscribers: the same bytes for every try and every endpoint.

    Its id is the `webhook-id`. `stream` is the tracker's id, or the endpoint's or account's it is about.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    type = models.CharField(max_length=64)
    stream = models.UUIDField()
    #: The stream's version of the append's last event.
    sequence = models.IntegerField()
    body = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["stream", "sequence"], name="message_of_stream")]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Trigger(models.TextChoices):
    """What made a try happen."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    TEST = "test"
    RECOVERY = "recovery"


class Delivery(models.Model):
    """One message owed to one endpoint.

    A claim says who is sending it, until when; `started_at` is when the claimed try began. `attempt_count`
    counts tries when they begin, `step` the entries of the retry schedule that are used up, `abandoned_count`
    the tries that the sender's own death cut off. The last two are of the present run of the schedule, which
    `trigger` began.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        #: The retry schedule is used up.
        EXHAUSTED = "exhausted"
        #: Kept while its endpoint is not active.
        HELD = "held"
        #: Its endpoint was deleted.
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    next_attempt_at = models.DateTimeField(null=True)
    claim_id = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    attempt_count = models.IntegerField(db_default=0)
    step = models.SmallIntegerField(db_default=0)
    abandoned_count = models.SmallIntegerField(db_default=0)
    trigger = models.CharField(max_length=8, choices=Trigger, db_default=Trigger.SCHEDULE)
    created_at = models.DateTimeField(db_default=Now())
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "endpoint"], name="delivery_once_per_endpoint"),
            models.CheckConstraint(
                condition=models.Q(state__in=["pending", "delivered", "exhausted", "held", "cancelled"]),
                name="delivery_state",
            ),
            models.CheckConstraint(
                condition=models.Q(state="pending", next_attempt_at__isnull=False)
                | (~models.Q(state="pending") & models.Q(next_attempt_at=None)),
                name="delivery_due_if_pending",
            ),
        ]
        # No index on the claim's columns: claiming then stays a heap-only update.
        indexes: ClassVar = [
            models.Index(
                fields=["endpoint", "next_attempt_at", "id"],
                condition=models.Q(state="pending"),
                name="delivery_lane",
            ),
            models.Index(fields=["endpoint", "id"], condition=models.Q(state="held"), name="delivery_held"),
            models.Index(fields=["endpoint", "id"], name="delivery_of_endpoint"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Attempt(models.Model):
    """One HTTP try of a delivery. `duration_ms` is null where the outcome is unknown."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    number = models.IntegerField()
    trigger = models.CharField(max_length=8, choices=Trigger)
    started_at = models.DateTimeField()
    duration_ms = models.IntegerField(null=True)
    status_code = models.IntegerField(null=True)
    #: One of `webhooks.exchanges.Failure`; "" for a success.
    error = models.CharField(max_length=18, blank=True)
    response_body = models.TextField(blank=True)
    response_headers = models.JSONField(default=dict)
    address = models.CharField(max_length=45, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["delivery", "number"], name="attempt_once_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id} #{self.number}"
