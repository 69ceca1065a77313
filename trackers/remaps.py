"""Remaps that staff asked for, as rows: trackers.advancing goes on with them."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Remap(models.Model):
    """Kept answers of a courier, read again with today's map: how far it has come, and what it found."""

    courier = models.CharField(max_length=32)
    #: The watch that it has come to.
    after = models.UUIDField(null=True, editable=False)
    trackers = models.BigIntegerField(default=0, editable=False)
    changed = models.BigIntegerField(default=0, editable=False)
    answers = models.BigIntegerField(default=0, editable=False)
    unreadable = models.BigIntegerField(default=0, editable=False)
    left = models.BigIntegerField(default=0, editable=False)
    #: Codes that the map has, and lacks.
    known = ArrayField(models.TextField(), default=list, editable=False)
    unknown = ArrayField(models.TextField(), default=list, editable=False)
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    claim_id = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["courier"],
                condition=Q(finished_at=None),
                name="trackers_one_remap_at_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.courier} {self.pk}"
