"""Create trackers: the same payload gives the same tracker, however often and however many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.errors import ApiError
from carriers import accounts
from events import log
from events.conflicts import or_conflict
from trackers import tasks
from trackers.detection import couriers_for, watch
from trackers.drafting import Wishes, draft, first_fact, objection
from trackers.fold import Projection
from trackers.messages import Telling, announcement
from trackers.models import PersonalData, Tracker
from trackers.quota import exhausted, room
from trackers.standing import Standing, name_taken, standing
from webhooks import tasks as webhook_tasks
from webhooks.fanout import announce, subscribers


@dataclass(frozen=True, slots=True)
class Created:
    """The tracker of a wish, and whether the same payload had made it before."""

    tracker: Tracker
    existed: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A wish that cannot be had, and why."""

    error: ApiError


Result = Created | Refused
__all__ = ["Created", "Refused", "Result", "Wishes", "create", "create_many", "create_one"]


def create(merchant_id: UUID, wishes: Wishes) -> Tracker:
    """The tracker of this payload, made now or before. Raises ApiError as `create_one` does."""
    return create_one(merchant_id, wishes).tracker


def create_one(merchant_id: UUID, wishes: Wishes) -> Created:
    """Create one tracker, or find the one that the same payload made.

    Raises ApiError: 400 `validation_error` (no given courier takes the number), 400 `shipping_date_outdated`,
    400 `tracker_conflict` (the clientTrackerId belongs to another payload), 403 `quota_limit_reached`, 409
    `request_conflict`.
    """
    result = create_many(merchant_id, [wishes])[0]
    if isinstance(result, Refused):
        raise result.error
    return result


def create_many(merchant_id: UUID, wishes: Sequence[Wishes]) -> list[Result]:
    """A result for each wish, in their order; one transaction, and a constant number of statements.

    A wish that is refused, for a reason that `create_one` raises, does not hurt its neighbours. Of equal
    wishes the first makes the tracker. Raises ApiError 409 `request_conflict` where all had to wait too long.
    """
    return or_conflict(partial(_create, merchant_id, wishes)) if wishes else []


def _create(merchant_id: UUID, wishes: Sequence[Wishes]) -> list[Result]:
    """Each call has ids of its own, so that it may be repeated.

    Rows go in by their names and digests, the same order for all, so that two batches with payloads or names
    in common wait for each other and never both.
    """
    drafts = [draft(merchant_id, wish) for wish in wishes]
    by_draft = {one.id: wish for one, wish in zip(drafts, wishes, strict=True)}
    firsts = _firsts(drafts)
    reachable = accounts.reachable({merchant_id})[merchant_id]
    with transaction.atomic():
        left = room(merchant_id)
        results = _known(firsts, standing(merchant_id, firsts), left)
        fresh = [one for one in firsts if one.digest not in results]
        Tracker.objects.bulk_create(sorted(fresh, key=_order), ignore_conflicts=True)
        made = Tracker.objects.in_bulk([one.id for one in fresh]) if fresh else {}
        _begin([(made[one.id], by_draft[one.id]) for one in fresh if one.id in made], reachable)
    results |= {one.digest: Created(one, existed=False) for one in made.values()}
    results |= _overtaken(merchant_id, [one for one in fresh if one.id not in made])
    return _for_each(drafts, {one.id for one in firsts}, results)


def _order(one: Tracker) -> tuple[str, str]:
    return one.client_tracker_id or "", one.digest


def _firsts(drafts: Sequence[Tracker]) -> list[Tracker]:
    """The first draft of each payload, in their order."""
    by_digest: dict[str, Tracker] = {}
    for one in drafts:
        by_digest.setdefault(one.digest, one)
    return list(by_digest.values())


def _for_each(drafts: Sequence[Tracker], firsts: set[UUID], results: Mapping[str, Result]) -> list[Result]:
    """The result of every draft: what the first of its payload has made is there for the others."""
    given: list[Result] = []
    for one in drafts:
        result = results[one.digest]
        if isinstance(result, Created) and one.id not in firsts:
            result = replace(result, existed=True)
        given.append(result)
    return given


def _known(firsts: Sequence[Tracker], there: Standing, left: int | None) -> dict[str, Result]:
    """By digest, the results that are clear before anything is inserted: who stands there, and refusals."""
    results: dict[str, Result] = {}
    names: set[str | None] = set()
    for one in firsts:
        if found := there.same_as(one):
            results[one.digest] = Created(found, existed=True)
        elif there.holds_name_of(one) or one.client_tracker_id in names:
            results[one.digest] = Refused(name_taken())
        elif error := objection(one):
            results[one.digest] = Refused(error)
        elif left is not None and left <= 0:
            results[one.digest] = Refused(exhausted())
        else:
            names |= {one.client_tracker_id} - {None}
            left = left if left is None else left - 1
    return results


def _overtaken(merchant_id: UUID, lost: Sequence[Tracker]) -> dict[str, Result]:
    """By digest, the results of those whose place somebody else took at the same time."""
    there = standing(merchant_id, lost)
    results: dict[str, Result] = {}
    for one in lost:
        if found := there.same_as(one):
            results[one.digest] = Created(found, existed=True)
        elif there.holds_name_of(one):
            results[one.digest] = Refused(name_taken())
        else:
            message = "The same tracker was changed at the same time."
            results[one.digest] = Refused(ApiError(409, "request_conflict", message, {"Retry-After": "1"}))
    return results


def _begin(made: Sequence[tuple[Tracker, Wishes]], reachable: set[str]) -> None:
    """Everything that stands beside a new row, in its transaction."""
    if not made:
        return
    couriers = {
        tracker.id: couriers_for(tracker.tracking_number, tracker.courier_codes, reachable)
        for tracker, _ in made
    }
    watch([(tracker, couriers[tracker.id]) for tracker, _ in made])
    alone = [tracker.id for tracker, _ in made if not couriers[tracker.id]]
    if alone:
        Tracker.objects.filter(id__in=alone).update(undetected_at=Now())
    PersonalData.objects.bulk_create(
        PersonalData(tracker=tracker, given_recipient=wish["given_recipient"])
        for tracker, wish in made
        if wish.get("given_recipient")
    )
    _tell([tracker for tracker, _ in made], couriers)
    transaction.on_commit(tasks.nudge, robust=True)


def _tell(made: Sequence[Tracker], couriers: Mapping[UUID, Sequence[str]]) -> None:
    """Append the first events, and owe subscribers their messages."""
    merchant_id = made[0].merchant_id
    audience = subscribers([merchant_id])
    recorded = log.append(merchant_id, [log.event_of(tracker.id, 1, first_fact(tracker)) for tracker in made])
    told = [
        announcement(
            Telling(
                id=uuid7(),
                tracker=tracker,
                before=Projection(),
                types=frozenset({event.type}),
                at=event.recorded_at,
                couriers=tuple(couriers[tracker.id]),
            )
        )
        for tracker, event in zip(made, recorded, strict=True)
    ]
    if announce(merchant_id, audience, told):
        transaction.on_commit(webhook_tasks.nudge, robust=True)
