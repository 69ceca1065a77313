"""Trackers, the merchants' instructions to follow a parcel, and the watches that polling claims."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from carriers.models import CarrierAccount
from carriers.outcome import Outcome
from events.statuses import Milestone, StatusCode
from trackers.lookups import LookUps
from trackers.outcomes import FAILING, TRIGGER, OutcomeChange
from trackers.private import PersonalData, RawAnswer
from trackers.remaps import Remap
from trackers.storing import StateField
from trackers.strays import StrayCall
from trackers.tallies import MilestoneTally, ScanTally

__all__ = [
    "LookUps",
    "MilestoneTally",
    "OutcomeChange",
    "PersonalData",
    "RawAnswer",
    "Remap",
    "ScanTally",
    "StrayCall",
    "Tracker",
    "Watch",
]


def _text(limit: int = 255) -> "models.CharField[str | None, str | None]":
    """Optional text of a merchant: null where it sent none, so that it reads back as it was sent."""
    return models.CharField(max_length=limit, null=True, blank=True)


class Tracker(models.Model):
    """What a merchant wishes, and the projection: the fold of this tracker's events, nothing else."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    # The merchant's wishes
    tracking_number = models.CharField(max_length=50)
    courier_codes = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    shipment_reference = _text()
    client_tracker_id = _text()
    origin_country_code = _text(2)
    destination_country_code = _text(2)
    destination_post_code = _text(32)
    shipping_date = _text(40)
    courier_name = _text()
    tracking_url = _text(2048)
    order_number = _text()
    title = _text()
    restrict_to_couriers = models.BooleanField(default=False)
    is_subscribed = models.BooleanField(default=True)
    #: Identity of the create: see trackers.identity.
    digest = models.CharField(max_length=64, editable=False)
    #: When detection last found no courier for the number; null once it is watched.
    undetected_at = models.DateTimeField(null=True, editable=False)

    # The projection: fold(log)
    version = models.IntegerField(default=0, editable=False)
    last_message_sequence = models.IntegerField(null=True, editable=False)
    milestone = models.CharField(max_length=24, choices=[(m, m) for m in Milestone], editable=False)
    status_code = models.CharField(  # noqa: DJ001 (null is Ship24's "says nothing")
        max_length=40, null=True, choices=[(c, c) for c in StatusCode], editable=False
    )
    #: Whether the milestone is the carrier's last word.
    final = models.BooleanField(default=False, editable=False)
    stop_reason = models.CharField(max_length=40, null=True, editable=False)  # noqa: DJ001
    #: When the newest scan, and the newest change of milestone, were recorded.
    news_at = models.DateTimeField(null=True, editable=False)
    milestone_at = models.DateTimeField(null=True, editable=False)
    #: When the log last grew after the tracker was made; null until then.
    updated_at = models.DateTimeField(null=True, editable=False)
    #: The day, at the destination, on which carriers expect to deliver.
    due_on = models.DateField(null=True, editable=False)
    #: Since when subscribers know that nothing is heard of the parcel; null while something is.
    stalled_at = models.DateTimeField(null=True, editable=False)
    #: When its merchant last had it taken up again.
    restarted_at = models.DateTimeField(null=True, editable=False)
    #: When its personal data were erased: from then on none is kept.
    erased_at = models.DateTimeField(null=True, editable=False)
    state = StateField(editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant", "digest"], condition=Q(is_subscribed=True), name="tracker_identity"
            ),
            models.UniqueConstraint(
                fields=["merchant", "client_tracker_id"],
                condition=Q(is_subscribed=True),
                name="tracker_client_id",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["merchant", "created_at", "id"], name="tracker_merchant_created"),
            models.Index(fields=["merchant", "tracking_number"], name="tracker_merchant_number"),
            models.Index(
                fields=["merchant", "client_tracker_id"],
                condition=Q(client_tracker_id__isnull=False),
                name="tracker_merchant_client_id",
            ),
            models.Index(
                fields=["merchant", "shipment_reference"],
                condition=Q(shipment_reference__isnull=False),
                name="tracker_merchant_reference",
            ),
            models.Index(
                fields=["merchant", "milestone", "created_at", "id"], name="tracker_merchant_milestone"
            ),
            models.Index(
                fields=["merchant", "updated_at"],
                condition=Q(updated_at__isnull=False),
                name="tracker_merchant_updated",
            ),
            models.Index(
                fields=["undetected_at"], condition=Q(undetected_at__isnull=False), name="tracker_undetected"
            ),
            # What is followed, by milestone: counted without a look at the rows (`trackers.tallying`), and
            # listed for staff.
            models.Index(
                fields=["milestone", "id"],
                condition=Q(is_subscribed=True, stop_reason__isnull=True),
                name="tracker_followed_milestone",
            ),
            models.Index(
                fields=["merchant", "undetected_at"],
                condition=Q(undetected_at__isnull=False),
                name="tracker_undetected_own",
            ),
            # For staff, who look over all merchants.
            models.Index(fields=["id"], condition=Q(stalled_at__isnull=False), name="tracker_stalled"),
        ]

    def __str__(self) -> str:
        return self.tracking_number

    @property
    def is_tracked(self) -> bool:
        """Whether Parcelwire goes on asking."""
        return self.is_subscribed and self.stop_reason is None


class Watch(models.Model):
    """One tracker at one courier. `next_poll_at` null means that nobody asks any more."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tracker = models.ForeignKey(Tracker, on_delete=models.CASCADE, related_name="watches", db_index=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    courier = models.CharField(max_length=32)
    #: Null while no account of the merchant or the house can ask this courier.
    carrier_account = models.ForeignKey(
        CarrierAccount, on_delete=models.SET_NULL, null=True, blank=True, db_index=False
    )
    #: When an account was last looked for (since when the present one asks); accounts that changed since are
    #: worth another look.
    assigned_at = models.DateTimeField(db_default=Now(), editable=False)
    #: Accounts that this courier says are not the parcel's; forgotten when the merchant's accounts change.
    refused_account_ids = ArrayField(models.UUIDField(), default=list, blank=True)

    next_poll_at = models.DateTimeField(null=True, blank=True)
    #: Of what is due, the most urgent is asked about first: see trackers.schedule.Urgency.
    urgency = models.SmallIntegerField(db_default=0, editable=False)
    poll_requested_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False)
    claim_id = models.UUIDField(null=True, editable=False)

    last_polled_at = models.DateTimeField(null=True, editable=False)
    last_outcome = models.CharField(  # noqa: DJ001 (null before the first poll)
        max_length=24, null=True, choices=[(o, o) for o in Outcome], editable=False
    )
    last_error = models.TextField(null=True, editable=False)  # noqa: DJ001
    last_digest = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001
    #: How new what is recorded is: when the poll was asked, or the push was written. What is older takes
    #: nothing back.
    told_at = models.DateTimeField(null=True, editable=False)
    #: Polls in a row that failed, and scans of the last answer that could not be read.
    failures = models.IntegerField(default=0, editable=False)
    set_aside = models.IntegerField(default=0, editable=False)
    #: Orders of other numbers that this watch's answers brought along.
    ignored = models.IntegerField(default=0, editable=False)
    #: Known scans that the last answer left out: scan key to the moment of the first answer without it.
    absent = models.JSONField(default=dict, editable=False)

    class Meta:
        verbose_name_plural = "watches"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tracker", "courier"], name="watch_tracker_courier")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["carrier_account", "urgency", "next_poll_at"],
                condition=Q(next_poll_at__isnull=False),
                name="watch_due_by_urgency",
            ),
            models.Index(
                fields=["carrier_account"], condition=Q(claim_id__isnull=False), name="watch_in_flight"
            ),
            models.Index(
                fields=["courier", "assigned_at"],
                condition=Q(carrier_account__isnull=True, next_poll_at__isnull=False),
                name="watch_unassigned",
            ),
            models.Index(
                fields=["merchant", "courier", "assigned_at"],
                condition=Q(carrier_account__isnull=True, next_poll_at__isnull=False),
                name="watch_unassigned_own",
            ),
            # For staff. Those that are answered, which are most and change often, are not in it.
            models.Index(
                fields=["last_outcome", "id"],
                condition=Q(last_outcome__in=FAILING),
                name="watch_failing",
            ),
        ]
        triggers: ClassVar = [TRIGGER]

    def __str__(self) -> str:
        return f"{self.courier} for {self.tracker_id}"
