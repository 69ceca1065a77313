"""When an endpoint is ill: a pure decision, and the one conditional UPDATE that acts on it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db.models.functions import Now

from webhooks.models import Endpoint

#: Every try failed for this long,
ILL_AFTER = timedelta(days=5)
#: in at least this many tries,
ILL_TRIES = 20
#: whose first and last are at least this far apart.
ILL_SPREAD = timedelta(hours=12)


class Reason(StrEnum):
    """Why Parcelwire disabled an endpoint."""

    #: The subscriber answered 410.
    GONE = "gone"
    #: Every try failed for five days.
    FAILING = "failing"
    #: Its secret or its headers do not decrypt, or are malformed.
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 - a reason


@dataclass(frozen=True, slots=True)
class Run:
    """A run of failed tries without a success between them: how many, and when the first and last began."""

    since: datetime
    tries: int
    last: datetime


def is_ill(run: Run, now: datetime) -> bool:
    """Whether this run of failures disables its endpoint: so long, so many, and so far apart."""
    long_enough = now - run.since >= ILL_AFTER
    return long_enough and run.tries >= ILL_TRIES and run.last - run.since >= ILL_SPREAD


def disable(endpoint_id: UUID, reason: Reason) -> bool:
    """Disable the endpoint if it is active. False: it was not, or it is deleted.

    For FAILING the run of failures must still be there: one success in the meantime clears it.
    """
    found = Endpoint.objects.filter(id=endpoint_id, state=Endpoint.State.ACTIVE, deleted_at=None)
    if reason is Reason.FAILING:
        found = found.filter(failing_since__lte=Now() - ILL_AFTER, failing_tries__gte=ILL_TRIES)
    return bool(found.update(state=Endpoint.State.DISABLED, disabled_reason=reason, disabled_at=Now()))
