"""Carrier accounts, and the carriers' codes that no map knows yet."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.encryption import EncryptedTextField
from accounts.models import Merchant
from carriers import validation


class CarrierAccount(models.Model):
    """A key at one carrier, with its address and health. Without a merchant it is the house's.

    `changed_at` moves when the key, the address or the owner changes, or staff suspends the account or takes
    it up again: not when a carrier's answer suspends it, or when it rests.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        #: The carrier does not accept the key: nothing is sent with it until it is changed.
        SUSPENDED = "suspended"

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
                condition=Q(state__in=["active", "suspended"]), name="carrier_account_state"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["courier", "merchant"], name="carrier_account_courier")]

    def __str__(self) -> str:
        return f"{self.courier} of {self.merchant or 'the house'}"


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
