"""Parcels and scans counted by hour, for pages that may not count them themselves."""

from typing import ClassVar

from django.db import models

from events.statuses import Milestone


class MilestoneTally(models.Model):
    """How many parcels that are followed stood at a milestone when it was last counted in that hour."""

    since = models.DateTimeField()
    milestone = models.CharField(max_length=24, choices=[(m, m) for m in Milestone])
    parcels = models.BigIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "milestone tallies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["since", "milestone"], name="milestone_tally_once_per_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d %H:00} {self.milestone}"


class ScanTally(models.Model):
    """New scans that were recorded in one hour. `through` is the last position of the log that is counted."""

    since = models.DateTimeField(unique=True)
    scans = models.BigIntegerField()
    through = models.BigIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "scan tallies"

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d %H:00}"
