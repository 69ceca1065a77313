"""The append-only log: every fact learned, once, in the order it was learned."""

from typing import ClassVar

import pgtrigger
from django.db import models
from uuid_utils.compat import uuid7

from accounts.models import Merchant


class Event(models.Model):
    """One record of the log. `events.log` is its only writer.

    `stream` is the id of what it is about (a tracker, an endpoint, a carrier account); `version` counts 1..n
    without holes within it. `occurred_at` is the carrier's own moment, null where there is none.
    """

    position = models.BigAutoField(primary_key=True)
    id = models.UUIDField(default=uuid7, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    stream = models.UUIDField()
    version = models.IntegerField()
    type = models.CharField(max_length=64)
    occurred_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    key = models.CharField(max_length=255)
    data = models.JSONField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream", "version"], name="event_stream_version"),
            models.UniqueConstraint(fields=["stream", "key"], name="event_stream_key"),
        ]
        indexes: ClassVar = [models.Index(fields=["merchant", "position"], name="event_merchant_position")]
        triggers: ClassVar = [
            # One trigger by statement: it fires at TRUNCATE, and at an UPDATE that meets no row, too.
            pgtrigger.Trigger(
                name="append_only",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete | pgtrigger.Truncate,
                func="RAISE EXCEPTION 'the event log is append-only: % refused', TG_OP;",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.stream}#{self.version}"
