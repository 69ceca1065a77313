"""An endpoint's life: one table of what acts make of states, and one conditional UPDATE for each act."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Now

from webhooks.models import Endpoint

#: Every try failed for this long,
ILL_AFTER = timedelta(days=5)
#: in at least this many tries,
ILL_TRIES = 20
#: whose first and last are at least this far apart.
ILL_SPREAD = timedelta(hours=12)
#: How long what an endpoint is owed waits for it to be active again.
KEPT_HELD = timedelta(days=30)

State = Endpoint.State


class Reason(StrEnum):
    """Why Parcelwire disabled an endpoint."""

    #: The subscriber answered 410.
    GONE = "gone"
    #: Every try failed for five days.
    FAILING = "failing"
    #: Its secret or its headers do not decrypt, or are malformed.
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 - a reason


class Act(StrEnum):
    """What can happen to an endpoint that is not deleted. The first three have the words of `Reason`."""

    GONE = "gone"
    FAILING = "failing"
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 - a reason
    #: Its merchant asked for it.
    PAUSE = "pause"
    #: Its merchant asked for it: a test goes out.
    ENABLE = "enable"
    #: The test that its merchant asked for arrived,
    TEST_ARRIVED = "test_arrived"
    #: or did not.
    TEST_FAILED = "test_failed"
    DELETE = "delete"


#: The state after each act, by the state before it; None: it is deleted. What is not here changes nothing.
AFTER: Mapping[Act, Mapping[State, State | None]] = {
    Act.GONE: {State.ACTIVE: State.DISABLED, State.PAUSED: State.DISABLED},
    Act.FAILING: {State.ACTIVE: State.DISABLED},
    Act.SECRET_UNREADABLE: {State.ACTIVE: State.DISABLED},
    Act.PAUSE: {
        State.ACTIVE: State.PAUSED,
        State.PAUSED: State.PAUSED,
        State.DISABLED: State.DISABLED,
    },
    Act.ENABLE: {State.PAUSED: State.PAUSED, State.DISABLED: State.DISABLED},
    Act.TEST_ARRIVED: {State.PAUSED: State.ACTIVE, State.DISABLED: State.ACTIVE},
    Act.TEST_FAILED: {State.PAUSED: State.PAUSED, State.DISABLED: State.DISABLED},
    Act.DELETE: {State.ACTIVE: None, State.PAUSED: None, State.DISABLED: None},
}


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
    """Parcelwire stops sending. False: the endpoint's state does not let it, or it is deleted.

    For FAILING the run of failures must still be there: one success in the meantime clears it. An enabling
    under way goes on: its test decides.
    """
    act = Act(reason)
    found = _open_to(act).filter(id=endpoint_id)
    if reason is Reason.FAILING:
        found = found.filter(failing_since__lte=Now() - ILL_AFTER, failing_tries__gte=ILL_TRIES)
    return bool(found.update(state=_after(act), disabled_reason=reason, disabled_at=Now()))


def pause(merchant_id: UUID, endpoint_id: UUID) -> bool:
    """Its merchant wants nothing sent for now; an enabling under way is withdrawn. False: it has none."""
    paused_at = Case(When(state=State.ACTIVE, then=Now()), default=F("paused_at"))
    found = _open_to(Act.PAUSE).filter(merchant_id=merchant_id, id=endpoint_id)
    return bool(found.update(state=_after(Act.PAUSE), paused_at=paused_at, enabling_by=None))


def enable(endpoint_id: UUID, delivery_id: UUID) -> bool:
    """From now on it is this test whose arrival makes the endpoint active. False: it is so already."""
    return bool(_open_to(Act.ENABLE).filter(id=endpoint_id).update(enabling_by=delivery_id))


def activate(endpoint_id: UUID, delivery_id: UUID) -> bool:
    """The test arrived. False: it is not this test that was to decide, or not any more."""
    found = _open_to(Act.TEST_ARRIVED).filter(id=endpoint_id, enabling_by=delivery_id)
    return bool(
        found.update(
            state=_after(Act.TEST_ARRIVED),
            disabled_reason="",
            disabled_at=None,
            paused_at=None,
            failing_since=None,
            failing_tries=0,
            timeouts=0,
            slow_since=None,
            enabling_by=None,
        )
    )


def withdraw(endpoint_id: UUID, delivery_id: UUID) -> bool:
    """The test failed: the endpoint stays what it is. False: it is not this test that was to decide."""
    found = _open_to(Act.TEST_FAILED).filter(id=endpoint_id, enabling_by=delivery_id)
    return bool(found.update(enabling_by=None))


def delete(merchant_id: UUID, endpoint_id: UUID) -> bool:
    """It is gone at once. False: the merchant has none of this id.

    The row stays, so that a recording under way never fails on it.
    """
    found = _open_to(Act.DELETE).filter(merchant_id=merchant_id, id=endpoint_id)
    return bool(found.update(deleted_at=Now(), enabling_by=None))


def _open_to(act: Act) -> QuerySet[Endpoint]:
    """The endpoints to which the act can happen."""
    return Endpoint.objects.filter(state__in=AFTER[act], deleted_at=None)


def _after(act: Act) -> Case:
    return Case(*(When(state=old, then=Value(new)) for old, new in AFTER[act].items()))
