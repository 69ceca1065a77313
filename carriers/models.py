"""Carrier accounts, what is to be ended at carriers, and their codes that no map knows yet."""

import secrets
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.encryption import EncryptedTextField
from accounts.models import Merchant
from carriers import validation
from carriers.registry import pushing


class CarrierAccount(models.Model):
    """A key at one carrier, with its address and health. Without a merchant it is the house's.

    `changed_at` moves when the key, the address or the owner changes, or staff or the merchant stops the
    account or takes it up again: not when a carrier's answer suspends it, or when it rests.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        #: The carrier does not accept the key: nothing is sent with it until it is changed.
        SUSPENDED = "suspended"
        #: Its merchant wants nothing sent with it until it is resumed.
        PAUSED = "paused"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey(
        Merchant,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="carrier_accounts",
        help_text="Empty: a house account, for every merchant that has none of its own.",
    )
    courier = models.CharField(max_length=32, validators=[validation.courier])
    key = EncryptedTextField(editable=False)
    #: The last part of the address at which this carrier calls us; null where it never does.
    push_token = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
    #: What the carrier shows with its calls; null: none is taken.
    push_secret = EncryptedTextField(null=True, editable=False)  # type: ignore[misc]
    #: True of the one house account that stands for a courier that asks for no key.
    keyless = models.BooleanField(default=False, editable=False)
    base_url = models.CharField(
        max_length=2048,
        blank=True,
        validators=[validation.base_url],
        help_text="Empty: the carrier's own.",
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        validators=[validation.time_zone],
        help_text="IANA name, for times without an offset. Empty: the carrier's.",
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.ACTIVE, editable=False)
    suspended_reason = models.TextField(blank=True, editable=False)
    suspended_at = models.DateTimeField(null=True, editable=False)
    #: The day's look-ups are used up until then.
    resting_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["courier"], condition=Q(keyless=True), name="carrier_account_keyless"
            ),
            models.CheckConstraint(
                condition=Q(keyless=False) | Q(merchant__isnull=True), name="carrier_account_keyless_is_house"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["active", "suspended", "paused"]), name="carrier_account_state"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["courier", "merchant"], name="carrier_account_courier")]

    def __str__(self) -> str:
        return f"{self.courier} of {self.merchant or 'the house'}"

    def save(self, *args: Any, **options: Any) -> None:
        """A new account of a carrier that calls us gets an address that nobody can guess."""
        if self._state.adding and self.push_token is None and self.courier in pushing():
            self.push_token = secrets.token_urlsafe(32)
        super().save(*args, **options)

    @property
    def push_path(self) -> str | None:
        """Where its carrier calls us, below the address of this installation; None where it never does."""
        return f"/v1/carriers/{self.courier}/push/{self.push_token}" if self.push_token else None


class Closing(models.Model):
    """Something that a carrier still keeps open for a tracker that is stopped: to be ended there.

    Claimed, tried and settled by `carriers.closing`. `failures` counts tries, before they are made.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(CarrierAccount, on_delete=models.CASCADE, db_index=False)
    tracker_id = models.UUIDField()
    created_at = models.DateTimeField(db_default=Now())
    next_attempt_at = models.DateTimeField(db_default=Now())
    failures = models.IntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    claim_id = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "tracker_id"], name="closing_account_tracker")
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at"], name="closing_due"),
            models.Index(fields=["tracker_id"], name="closing_tracker"),
        ]

    def __str__(self) -> str:
        return f"{self.tracker_id} at {self.account_id}"


class UnmappedCode(models.Model):
    """A carrier's code (its text, where it has none) that its map lacks, and how often answers held it."""

    courier = models.CharField(max_length=32)
    code = models.CharField(max_length=255)
    text = models.CharField(max_length=255)
    count = models.BigIntegerField(default=0)
    first_seen_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["courier", "code"], name="unmapped_code_courier_code")
        ]

    def __str__(self) -> str:
        return f"{self.courier} {self.code}"
