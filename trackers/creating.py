"""Create trackers: the same payload gives the same tracker, however often and however many at once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.errors import ApiError
from carriers import accounts
from carriers.registry import adapter
from events import log
from events.catalog import TrackerCreated
from events.conflicts import or_conflict
from events.log import Recorded
from trackers import tasks
from trackers.detection import couriers_for, watch
from trackers.fold import Projection, fold
from trackers.identity import digest_of
from trackers.messages import Telling, announcement
from trackers.models import PersonalData, Tracker
from trackers.projecting import apply_projection
from webhooks import tasks as webhook_tasks
from webhooks.fanout import announce, subscribers

Wishes = Mapping[str, Any]
_BESIDE_THE_ROW = frozenset({"given_recipient"})
#: Older shipments are refused, as Ship24 does.
OLDEST_SHIPMENT = timedelta(days=180)


def create(merchant_id: UUID, wishes: Wishes) -> Tracker:
    """Create one tracker, or find the one that the same payload made. Raises ApiError."""
    return create_many(merchant_id, [wishes])[0]


def create_many(merchant_id: UUID, wishes: Sequence[Wishes]) -> list[Tracker]:
    """Create trackers in one transaction, or find those that stand there; a constant number of statements.

    Raises ApiError: 400 `validation_error` (no given courier takes the number), 400 `shipping_date_outdated`,
    400 `tracker_conflict` (the clientTrackerId belongs to another payload), 409 `request_conflict`.
    """
    for wish in wishes:
        _refuse_impossible(wish)
    drafts, made = or_conflict(partial(_insert, merchant_id, wishes))
    existing = _existing(merchant_id, [draft for draft in drafts if draft.id not in made])
    standing = made | existing
    return [standing[draft.id] for draft in drafts]


def _insert(merchant_id: UUID, wishes: Sequence[Wishes]) -> tuple[list[Tracker], dict[UUID, Tracker]]:
    """A draft for each wish, and by id the rows of those that nothing stood in the way of.

    Each call has ids of its own, so that it may be repeated. Rows go in by their digests, so that two batches
    with payloads in common wait for each other and never both.
    """
    drafts = [_draft(merchant_id, wish) for wish in wishes]
    _refuse_outdated(drafts)
    reachable = accounts.reachable({merchant_id})
    with transaction.atomic():
        Tracker.objects.bulk_create(sorted(drafts, key=lambda one: one.digest), ignore_conflicts=True)
        made = Tracker.objects.in_bulk([draft.id for draft in drafts])
        begun = [
            (made[draft.id], wish) for draft, wish in zip(drafts, wishes, strict=True) if draft.id in made
        ]
        _begin(begun, reachable[merchant_id])
    return drafts, made


def _refuse_outdated(drafts: Sequence[Tracker]) -> None:
    """An old shipment cannot be followed any more; to repeat a create that was in time then is fine."""
    old = [one for one in drafts if one.shipping_date and _moment(one.shipping_date) < _oldest()]
    if not old:
        return
    known = Tracker.objects.filter(
        merchant_id=old[0].merchant_id, digest__in=[one.digest for one in old], is_subscribed=True
    )
    if {one.digest for one in old} - set(known.values_list("digest", flat=True)):
        raise ApiError(400, "shipping_date_outdated", "shippingDate: it is more than 180 days ago.")


def _oldest() -> datetime:
    return timezone.now() - OLDEST_SHIPMENT


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refuse_impossible(wish: Wishes) -> None:
    given = wish["courier_codes"]
    if given and not any(adapter(code).takes.fullmatch(wish["tracking_number"]) for code in given):
        raise ApiError(
            400, "validation_error", f"trackingNumber: none of {', '.join(given)} has numbers of this form."
        )


def _draft(merchant_id: UUID, wish: Wishes) -> Tracker:
    """The row as the fold of its first event. The real event's moment is not part of the projection."""
    fields = {name: value for name, value in wish.items() if name not in _BESIDE_THE_ROW}
    draft = Tracker(id=uuid7(), merchant_id=merchant_id, digest=digest_of(wish), **fields)
    fact = _fact(draft)
    first = Recorded(uuid7(), draft.id, 1, fact.type, fact.key, fact.data(), timezone.now())
    apply_projection(draft, fold(Projection(), [first]))
    return draft


def _fact(tracker: Tracker) -> TrackerCreated:
    return TrackerCreated(
        tracking_number=tracker.tracking_number,
        courier_code=tracker.courier_codes,
        shipment_reference=tracker.shipment_reference,
        client_tracker_id=tracker.client_tracker_id,
        origin_country_code=tracker.origin_country_code,
        destination_country_code=tracker.destination_country_code,
        destination_post_code=tracker.destination_post_code,
        shipping_date=tracker.shipping_date,
        courier_name=tracker.courier_name,
        tracking_url=tracker.tracking_url,
        order_number=tracker.order_number,
        title=tracker.title,
    )


def _begin(made: Sequence[tuple[Tracker, Wishes]], reachable: set[str]) -> None:
    """Everything that stands beside a new row, in its transaction."""
    if not made:
        return
    merchant_id = made[0][0].merchant_id
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
    audience = subscribers([merchant_id])
    recorded = log.append(merchant_id, [log.event_of(tracker.id, 1, _fact(tracker)) for tracker, _ in made])
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
        for (tracker, _), event in zip(made, recorded, strict=True)
    ]
    if announce(merchant_id, audience, told):
        transaction.on_commit(webhook_tasks.nudge, robust=True)
    transaction.on_commit(tasks.nudge, robust=True)


def _existing(merchant_id: UUID, drafts: Sequence[Tracker]) -> dict[UUID, Tracker]:
    """For each draft that was not inserted, the tracker that stands in its place."""
    if not drafts:
        return {}
    by_digest, by_client_id = {}, {}
    same = Q(digest__in=[draft.digest for draft in drafts])
    same |= Q(client_tracker_id__in=[draft.client_tracker_id for draft in drafts if draft.client_tracker_id])
    for tracker in Tracker.objects.filter(same, merchant_id=merchant_id, is_subscribed=True):
        by_digest[tracker.digest] = tracker
        by_client_id[tracker.client_tracker_id] = tracker
    return {draft.id: _stand_in(draft, by_digest, by_client_id) for draft in drafts}


def _stand_in(
    draft: Tracker, by_digest: Mapping[str, Tracker], by_client_id: Mapping[str | None, Tracker]
) -> Tracker:
    if draft.digest in by_digest:
        return by_digest[draft.digest]
    if draft.client_tracker_id in by_client_id:
        raise ApiError(
            400,
            "tracker_conflict",
            "clientTrackerId: it belongs to a tracker that was created with another payload.",
        )
    raise ApiError(
        409, "request_conflict", "The same tracker was changed at the same time.", {"Retry-After": "1"}
    )
