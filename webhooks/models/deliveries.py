"""Messages, the deliveries they are owed as, and every try of them."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from webhooks.models.endpoints import Endpoint


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
    #: Whether it goes at the late pace (`webhooks.paces`). Never changed while it is under way.
    late = models.BooleanField(db_default=False, default=False)
    trigger = models.CharField(max_length=8, choices=Trigger, db_default=Trigger.SCHEDULE)
    created_at = models.DateTimeField(db_default=Now())
    delivered_at = models.DateTimeField(null=True)
    #: Whether what the subscriber answers is kept. Not where what is personal about the parcel was erased.
    answers_kept = models.BooleanField(db_default=True, default=True, editable=False)
    #: When it was given up, having been held for too long (`webhooks.expiring`). Null: it was not.
    given_up_at = models.DateTimeField(null=True, editable=False)

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
                fields=["endpoint", "late", "next_attempt_at", "id"],
                condition=models.Q(state="pending"),
                name="delivery_pending",
            ),
            models.Index(fields=["endpoint", "id"], condition=models.Q(state="held"), name="delivery_held"),
            models.Index(fields=["endpoint", "created_at", "id"], name="delivery_by_age"),
            # Of a busy endpoint few are of these states: a page of them must not look at all the others.
            models.Index(
                fields=["endpoint", "state", "created_at", "id"],
                condition=~models.Q(state="delivered"),
                name="delivery_by_state",
            ),
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


class ExtraTry(models.Model):
    """One try of a delivery besides its schedule, and whatever its endpoint's state: by hand, or as a test.

    Who makes it holds the delivery's own claim, so that a delivery is never under way twice. The row goes
    when the try is settled; asking again before that asks for nothing more.
    """

    delivery = models.OneToOneField(
        Delivery, on_delete=models.CASCADE, primary_key=True, related_name="extra_try"
    )
    #: The delivery's, so that each endpoint's are found without looking at another's.
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="+", db_index=False)
    trigger = models.CharField(max_length=8, choices=Trigger)
    #: The delivery's claim under which this try is under way; null, or another one: it waits.
    claim_id = models.UUIDField(null=True)
    #: How often the sender's own death cut it off.
    abandoned_count = models.SmallIntegerField(db_default=0)
    asked_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "extra tries"
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "asked_at"], name="extra_try_of_endpoint"),
            models.Index(
                fields=["endpoint"],
                condition=models.Q(claim_id__isnull=False),
                name="extra_try_under_way",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.trigger}"


class Recovery(models.Model):
    """An endpoint's deliveries of some time, sent again: workers advance it batch by batch, oldest first.

    Each batch is one transaction that locks this row and moves `reached_at` and `cursor`, so that whoever
    goes on after a kill begins where the last batch ended.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="+", db_index=False)
    #: Of the deliveries' `created_at`: inclusive, and not.
    since = models.DateTimeField()
    until = models.DateTimeField()
    #: States of `Delivery` that are sent again.
    states = ArrayField(models.CharField(max_length=9))
    state = models.CharField(max_length=9, choices=State, default=State.RUNNING)
    #: The last delivery that was looked at: its `created_at`, and its id. Null: none yet.
    reached_at = models.DateTimeField(null=True)
    cursor = models.UUIDField(null=True)
    #: Deliveries looked at so far, and those of them that became due.
    examined = models.BigIntegerField(db_default=0)
    recovered = models.BigIntegerField(db_default=0)
    #: When the next batch may be made, while it is running: who waits lets others go first.
    next_batch_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "recoveries"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=["running", "done", "cancelled"]), name="recovery_state"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_batch_at", "id"], condition=models.Q(state="running"), name="recovery_running"
            ),
            models.Index(fields=["endpoint", "id"], name="recovery_of_endpoint"),
        ]

    def __str__(self) -> str:
        return str(self.id)
