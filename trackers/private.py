"""What is personal, and what carriers said to the letter: beside the tracker, never in the log, erasable."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class PersonalData(models.Model):
    """Names, addresses, signature and pictures of one tracker's parcel; one row, or none."""

    tracker = models.OneToOneField("trackers.Tracker", on_delete=models.CASCADE, primary_key=True)
    #: The merchant's own `recipient`: {name, email}.
    given_recipient = models.JSONField(null=True)
    #: What carriers told.
    recipient = models.JSONField(null=True)
    sender = models.JSONField(null=True)
    signed_by = models.TextField(null=True)  # noqa: DJ001 (unknown and empty differ)
    confirm_image = models.TextField(null=True)  # noqa: DJ001
    #: Counts the changes of what carriers told; part of the results' ETag.
    revision = models.IntegerField(db_default=0, editable=False)

    def __str__(self) -> str:
        return f"personal data of {self.tracker_id}"


class RawAnswer(models.Model):
    """One number's part of a carrier's answer, zlib-compressed, kept once per watch and digest."""

    watch = models.ForeignKey("trackers.Watch", on_delete=models.CASCADE, db_index=False)
    digest = models.CharField(max_length=64)
    body = models.BinaryField()
    asked_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["watch", "digest"], name="raw_answer_watch_digest")
        ]

    def __str__(self) -> str:
        return f"answer of {self.asked_at:%Y-%m-%d %H:%M} for {self.watch_id}"
