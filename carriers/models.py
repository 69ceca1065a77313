"""Carrier accounts, what is to be ended at carriers, and their codes that no map knows yet."""

import secrets
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.encryption import EncryptedTextField
from accounts.models import Merchant
from carriers import validation
from carriers.fingerprints import FingerprintSecret, fingerprint
from carriers.registry import pushing
from carriers.tallies import PollSlip, PollTally
from carriers.uses import KeyUse

__all__ = [
    "AccountNews",
    "CarrierAccount",
    "Closing",
    "DailyUse",
    "FingerprintSecret",
    "Health",
    "KeyUse",
    "PollSlip",
    "PollTally",
    "UnmappedCode",
]


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
    #: Of the key, as `carriers.fingerprints` makes it; null until then. Accounts with one key have one.
    fingerprint = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001
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
    daily_quota = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Calls in one day at the carrier's home. Empty: as many as the carrier itself allows.",
    )
    pace_limit = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.01)],
        help_text="Calls a second at most. Empty: as many as the carrier itself allows.",
    )
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
        """A new account of a carrier that calls us gets an address that nobody can guess.

        With the key its fingerprint is written, which says what its calls are counted for.
        """
        adding = self._state.adding
        if options.get("update_fields") is None and "key" not in self.get_deferred_fields():
            self.fingerprint = fingerprint(self.courier, self.key)
        if adding and self.push_token is None and self.courier in pushing():
            self.push_token = secrets.token_urlsafe(32)
        super().save(*args, **options)
        if adding:
            Health.objects.bulk_create([Health(account=self)], ignore_conflicts=True)

    def clean(self) -> None:
        """Raises ValidationError that names the fields."""
        wrong: dict[str, list[str]] = {}
        try:
            validation.daily_quota(self.daily_quota, self.courier)
        except ValidationError as error:
            wrong["daily_quota"] = error.messages
        try:
            validation.pace(self.pace_limit)
        except ValidationError as error:
            wrong["pace_limit"] = error.messages
        if wrong:
            raise ValidationError(wrong)

    @property
    def push_path(self) -> str | None:
        """Where its carrier calls us, below the address of this installation; None where it never does."""
        return f"/v1/carriers/{self.courier}/push/{self.push_token}" if self.push_token else None


class Health(models.Model):
    """How calls with one account go: its circuit, its pace, and who may call next. One row an account.

    Whoever claims polls of the account locks this row, so that caps, pace and quota hold over all workers.
    """

    class Circuit(models.TextChoices):
        #: Calls go through.
        CLOSED = "closed"
        #: The carrier failed for several numbers: nothing is sent until `open_until`.
        OPEN = "open"
        #: One call is under way to see whether the carrier is back.
        HALF_OPEN = "half_open"

    account = models.OneToOneField(CarrierAccount, on_delete=models.CASCADE, primary_key=True)
    circuit = models.CharField(max_length=16, choices=Circuit.choices, db_default=Circuit.CLOSED)
    open_until = models.DateTimeField(null=True)
    #: How often in a row it opened: each time for twice as long.
    openings = models.IntegerField(db_default=0)
    #: Trackers whose calls failed since the last answer; as many as open the circuit, at most. Null: none.
    failing = ArrayField(models.UUIDField(), null=True)
    last_answer_at = models.DateTimeField(null=True)
    last_failure_at = models.DateTimeField(null=True)
    last_failure = models.TextField(blank=True, db_default="")
    #: Calls a second at present, after the carrier asked to slow down; null: as configured.
    pace = models.FloatField(null=True)
    pace_changed_at = models.DateTimeField(null=True)
    #: By the pace, the moment up to which calls have been given out.
    paced_until = models.DateTimeField(null=True)
    #: Calls given out since `counted_from`: what the pace was when the carrier first asked to slow down.
    counted_from = models.DateTimeField(null=True)
    counted = models.IntegerField(db_default=0)

    class Meta:
        verbose_name_plural = "health"

    def __str__(self) -> str:
        return f"health of {self.account_id}"


class DailyUse(models.Model):
    """Calls reserved on one day at the carrier's home: of one account, or of all accounts at a courier.

    Those of one key are in `KeyUse`. `generation` counts the keys that the account has had: what an old key
    left unused is not returned to a new one.
    """

    account = models.ForeignKey(CarrierAccount, on_delete=models.CASCADE, null=True, db_index=False)
    courier = models.CharField(max_length=32)
    day = models.DateField()
    reserved = models.IntegerField(db_default=0)
    generation = models.IntegerField(db_default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "day"], condition=Q(account__isnull=False), name="daily_use_account_day"
            ),
            models.UniqueConstraint(
                fields=["courier", "day"], condition=Q(account__isnull=True), name="daily_use_courier_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reserved} of {self.account_id or self.courier} on {self.day}"


class AccountNews(models.Model):
    """What happened to a merchant's account, until trackers.carrier_accounts.telling tells it.

    Written in the transaction of the change itself.
    """

    class Kind(models.TextChoices):
        SUSPENDED = "suspended"
        RESUMED = "resumed"

    account = models.ForeignKey(CarrierAccount, on_delete=models.CASCADE, db_index=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    reason = models.TextField(blank=True, db_default="")
    happened_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "account news"

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind}"


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
    #: The newest few answers that held it: `text`, `trackerId`, `raw` (the scan's own fields), `seenAt`.
    samples = models.JSONField(db_default=[])

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["courier", "code"], name="unmapped_code_courier_code")
        ]
        indexes: ClassVar = [models.Index(fields=["last_seen_at"], name="unmapped_code_last_seen")]

    def __str__(self) -> str:
        return f"{self.courier} {self.code}"
