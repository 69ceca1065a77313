"""Recoveries as merchants begin, see and stop them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from accounts.errors import ApiError, not_found
from accounts.staying import stay
from events.conflicts import or_conflict
from webhooks import tasks
from webhooks.models import Endpoint, Recovery
from webhooks.reading import unknown_webhook

#: Recoveries of one endpoint that may be under way at once.
AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """Deliveries created from `since` on, and before `until` (None: now), that are in one of `states`."""

    since: datetime
    until: datetime | None
    states: Sequence[str]


def begin(merchant_id: UUID, endpoint_id: UUID, wanted: Wanted) -> Recovery:
    """Have the endpoint's deliveries sent again by workers, who are nudged after the commit.

    Raises ApiError: 400 `validation_error` where nothing lies between since and until, 401 where the merchant
    is deleted, 404 `webhook_not_found`, 409 `recovery_conflict` and `request_conflict`.
    """
    return or_conflict(partial(_begin, merchant_id, endpoint_id, wanted))


def _begin(merchant_id: UUID, endpoint_id: UUID, wanted: Wanted) -> Recovery:
    with transaction.atomic():
        stay(merchant_id)
        now = _locked(merchant_id, endpoint_id)
        until = min(wanted.until or now, now)
        if wanted.since >= until:
            message = "since: expected a moment before until, and before now."
            raise ApiError(400, "validation_error", message)
        if Recovery.objects.filter(endpoint=endpoint_id, state=Recovery.State.RUNNING).count() >= AT_ONCE:
            message = f"{AT_ONCE} recoveries of this endpoint are under way: wait for one, or cancel it."
            raise ApiError(409, "recovery_conflict", message)
        states = list(dict.fromkeys(wanted.states))
        made = Recovery.objects.create(
            endpoint_id=endpoint_id, since=wanted.since, until=until, states=states
        )
        transaction.on_commit(partial(tasks.publish, tasks.recover), robust=True)
        return Recovery.objects.get(id=made.id)  # before the commit: what fails here is done again


def _locked(merchant_id: UUID, endpoint_id: UUID) -> datetime:
    """Hold the endpoint, so that counting its recoveries is of use. Returns the database's time."""
    mine = Endpoint.objects.filter(merchant_id=merchant_id, id=endpoint_id, deleted_at=None)
    found: datetime | None = mine.select_for_update(no_key=True).values_list(Now(), flat=True).first()
    if found is None:
        raise unknown_webhook()
    return found


def recovery_of(merchant_id: UUID, recovery_id: UUID) -> Recovery:
    """The merchant's recovery, of a deleted endpoint too. Raises ApiError 404 `recovery_not_found`."""
    found = Recovery.objects.filter(id=recovery_id, endpoint__merchant_id=merchant_id).first()
    if found is None:
        raise not_found("recovery_not_found", "Recovery not found.")
    return found


def cancel(merchant_id: UUID, recovery_id: UUID) -> Recovery:
    """Let it go no further: what is due by now is sent. One that has ended stays as it ended.

    Waits for the batch under way. Raises ApiError 404 `recovery_not_found`, 409 `request_conflict`.
    """
    running = Recovery.objects.filter(
        id=recovery_id, endpoint__merchant_id=merchant_id, state=Recovery.State.RUNNING
    )
    or_conflict(partial(running.update, state=Recovery.State.CANCELLED, finished_at=Now()))
    return recovery_of(merchant_id, recovery_id)
