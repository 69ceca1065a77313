"""Polls counted by hour: first on slips that processes leave, then in the tallies that pages read."""

from typing import ClassVar

from django.db import models


class PollSlip(models.Model):
    """Polls of one account that one process settled within about a second, until they are counted.

    It is only ever inserted, and deleted as it is counted: whoever settles polls waits for nobody.
    """

    #: No foreign key: an account may be deleted while a poll with it is under way.
    account_id = models.UUIDField()
    #: When the hour begins in which they were settled, by the database's clock.
    since = models.DateTimeField()
    #: One of `carriers.outcome.Outcome`.
    outcome = models.CharField(max_length=24)
    polls = models.IntegerField()
    #: Of the calls that these polls made: the sum, and the longest.
    duration_ms = models.BigIntegerField()
    slowest_ms = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.polls} {self.outcome} of {self.account_id}"


class PollTally(models.Model):
    """What came of the polls of one account, or of all together, that were settled in one hour."""

    #: Null: of all accounts, those that were deleted meanwhile included.
    account_id = models.UUIDField(null=True)
    since = models.DateTimeField()
    outcome = models.CharField(max_length=24)
    polls = models.BigIntegerField()
    duration_ms = models.BigIntegerField()
    slowest_ms = models.IntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "poll tallies"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account_id", "since", "outcome"],
                name="poll_tally_once_per_outcome",
                nulls_distinct=False,
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["since"], name="poll_tally_by_age")]

    def __str__(self) -> str:
        return f"{self.account_id or 'all'} {self.since:%Y-%m-%d %H:00} {self.outcome}"
