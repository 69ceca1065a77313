"""How polls of a watch turn out, kept when that changes: beside the log, since it is no news of a parcel."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from carriers.outcome import Outcome

#: An answer with news and one without are both answers.
WELL = (Outcome.OK.value, Outcome.UNCHANGED.value)
FAILING = tuple(outcome.value for outcome in Outcome if outcome.value not in WELL)


class OutcomeChange(models.Model):
    """The moment from which polls of one watch turned out otherwise. PostgreSQL writes it, whoever polls.

    `before` is null where it had none: at first, and after it had waited for an account. `account_id` is of
    the account that was asked with, which may be gone.
    """

    watch = models.ForeignKey(
        "trackers.Watch", on_delete=models.CASCADE, related_name="outcome_changes", db_index=False
    )
    account_id = models.UUIDField(null=True)
    before = models.CharField(max_length=24, null=True)  # noqa: DJ001 (there was none)
    outcome = models.CharField(max_length=24)
    error = models.TextField(null=True)  # noqa: DJ001
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["watch", "id"], name="outcome_change_of_watch"),
            models.Index(
                fields=["account_id", "id"],
                condition=Q(outcome__in=FAILING),
                name="outcome_change_failing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.before or 'nothing'} to {self.outcome}"


def _plain(row: str) -> str:
    """SQL for a row's outcome, by which news makes no difference."""
    return f"replace({row}.last_outcome, 'unchanged', 'ok')"


#: On the table of watches: by the database itself, so that no statement that writes an outcome forgets it. A
#: watch that has found an account and waits to be asked has none: that is not noted.
TRIGGER = pgtrigger.Trigger(
    name="outcome_changed",
    level=pgtrigger.Row,
    when=pgtrigger.After,
    operation=pgtrigger.UpdateOf("last_outcome"),  # type: ignore[no-untyped-call]
    # Most polls end here at once: they turn out to the letter as the one before.
    condition=pgtrigger.Condition(
        "NEW.last_outcome IS DISTINCT FROM OLD.last_outcome AND NEW.last_outcome IS NOT NULL"
        f" AND {_plain('OLD')} IS DISTINCT FROM {_plain('NEW')}"
    ),
    func=f"""
        INSERT INTO trackers_outcomechange (watch_id, account_id, before, outcome, error, changed_at)
        VALUES (NEW.id, NEW.carrier_account_id, {_plain("OLD")}, {_plain("NEW")}, NEW.last_error,
                clock_timestamp());
        RETURN NULL;
    """,  # noqa: S608 - constants only
)
