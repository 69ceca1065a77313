"""Tries of all endpoints together, for pages that may not look at each endpoint's."""

from typing import ClassVar

from django.db import models


class HourTally(models.Model):
    """What came of the tries at all endpoints that were settled in one hour: their tallies, added up."""

    since = models.DateTimeField()
    #: One of `webhooks.exchanges.Failure`; "" for success.
    error = models.CharField(max_length=18, blank=True)
    tries = models.BigIntegerField()
    #: Of the tries whose end somebody saw: the sum, and the longest.
    duration_ms = models.BigIntegerField()
    slowest_ms = models.IntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "hour tallies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["since", "error"], name="hour_tally_once_per_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d %H:00} {self.error or 'success'}"
