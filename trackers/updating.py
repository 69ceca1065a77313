"""A merchant changes its mind about one tracker: what it knows of the parcel, and whether to follow it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts.errors import ApiError, not_found
from events.catalog import Fact, TrackerCreated, TrackerRestarted, TrackerStopped, TrackerUpdated
from events.conflicts import or_conflict
from events.models import Event
from trackers import tasks
from trackers.drafting import objection_to_date, takes
from trackers.models import Tracker
from trackers.noting import note
from trackers.projecting import write_projections
from trackers.quota import exhausted, room
from trackers.watching import leave, locked, look_again, look_at, quiet, wake

#: What may change, by the row's field.
NAMES = {
    "courier_codes": "courierCode",
    "origin_country_code": "originCountryCode",
    "destination_country_code": "destinationCountryCode",
    "destination_post_code": "destinationPostCode",
    "shipping_date": "shippingDate",
}
#: The fields of `TrackerUpdated` that tell them.
_TOLD = {"courier_code" if name == "courier_codes" else name: name for name in NAMES}
#: What may change for ever; the others only until a carrier tells anything of the parcel.
_FREE = frozenset({"destination_post_code"})
#: Couriers that may be named for one tracker in all its life.
MOST_COURIERS = 9
UNSUBSCRIBED = "unsubscribed"


def update(merchant_id: UUID, tracker_id: UUID, wishes: Mapping[str, Any]) -> None:
    """Change what differs from what is there; `wishes` holds row fields, among them `is_subscribed`.

    What differs in nothing does nothing. Raises ApiError, and then nothing is changed: 404
    `tracker_not_found`, 400 `tracker_not_updatable` (a carrier told something already), `tracker_conflict` (a
    subscribed tracker stands in its place), `validation_error` or `shipping_date_outdated`, 403
    `quota_limit_reached`, 409 `request_conflict`.
    """
    or_conflict(partial(_update, merchant_id, tracker_id, wishes))


def _update(merchant_id: UUID, tracker_id: UUID, wishes: Mapping[str, Any]) -> None:
    with transaction.atomic():
        mine = Tracker.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id)
        tracker = mine.filter(id=tracker_id).first()
        if tracker is None:
            raise not_found("tracker_not_found", "Tracker not found.")
        changed = _changed(tracker, wishes)
        facts = _decided(tracker, changed, wanted=wishes.get("is_subscribed"))
        if not facts:
            return
        couriers = _act(tracker, facts, looked="courier_codes" in changed)
        if "shipping_date" in changed and tracker.state["scans"]:
            look_again(locked([tracker.id]))
        note(merchant_id, [(tracker, facts)], {tracker.id: couriers})
        write_projections([tracker])
        tracker.save(update_fields=["is_subscribed", "undetected_at", *changed])
        transaction.on_commit(tasks.nudge, robust=True)


def _changed(tracker: Tracker, wishes: Mapping[str, Any]) -> list[str]:
    """The fields that differ; they are set on the row object. Raises ApiError for what may not change."""
    changed = [name for name in NAMES if name in wishes and _differs(name, tracker, wishes[name])]
    frozen = [NAMES[name] for name in changed if name not in _FREE]
    if frozen and any(not scan.get("quarantined", False) for scan in tracker.state["scans"]):
        message = f"{', '.join(frozen)}: the parcel was found already. Create a new tracker."
        raise ApiError(400, "tracker_not_updatable", message)
    for name in changed:
        setattr(tracker, name, wishes[name])
    if "courier_codes" in changed:
        _refuse_couriers(tracker)
    if "shipping_date" in changed and (error := objection_to_date(tracker.shipping_date)):
        raise error
    return changed


def _differs(name: str, tracker: Tracker, wished: Any) -> bool:
    """Couriers count in any order, the shipping date by its day, as where trackers are created."""
    match name:
        case "courier_codes":
            return set(wished) != set(tracker.courier_codes)
        case "shipping_date":
            return (wished or "")[:10] != (tracker.shipping_date or "")[:10]
    return bool(wished != getattr(tracker, name))


def _refuse_couriers(tracker: Tracker) -> None:
    if not takes(tracker):
        named = ", ".join(tracker.courier_codes)
        raise ApiError(400, "validation_error", f"courierCode: none of {named} has numbers of this form.")
    telling = Event.objects.filter(stream=tracker.id, type__in=(TrackerCreated.type, TrackerUpdated.type))
    given = set(tracker.courier_codes).union(*telling.values_list("data__courierCode", flat=True))
    if len(given) > MOST_COURIERS:
        message = f"courierCode: a tracker can be given {MOST_COURIERS} couriers in all; create a new one."
        raise ApiError(400, "validation_error", message)


def _decided(tracker: Tracker, changed: Sequence[str], *, wanted: bool | None) -> list[Fact]:
    """The facts of this decision; none where it changes nothing."""
    counts = tracker.state["counts"]
    facts: list[Fact] = []
    if changed:
        now = {name: getattr(tracker, field) for name, field in _TOLD.items()}
        names = [NAMES[name] for name in changed]
        facts.append(TrackerUpdated(changed=names, **now, _count=counts.get("updated", 0) + 1))
    if wanted is False and tracker.is_subscribed:
        facts.append(stopped(tracker, UNSUBSCRIBED))
    if wanted is True and not tracker.is_tracked:
        facts.append(TrackerRestarted(_count=counts.get("restarted", 0) + 1))
    return facts


def stopped(tracker: Tracker, reason: str) -> TrackerStopped:
    """The fact that asking for this tracker stops now."""
    return TrackerStopped(reason=reason, _count=tracker.state["counts"].get("stopped", 0) + 1)


def _act(tracker: Tracker, facts: Sequence[Fact], *, looked: bool) -> list[str]:
    """Bring subscription and watches in line with the decision. Returns the couriers it has or had."""
    stopping = any(isinstance(fact, TrackerStopped) for fact in facts)
    restarting = any(isinstance(fact, TrackerRestarted) for fact in facts)
    if restarting and not tracker.is_subscribed:
        _subscribe(tracker)
    watches = locked([tracker.id])
    if restarting:
        wake(watches)
    couriers = {one.courier for one in watches}
    if looked or restarting:
        due = restarting or (tracker.is_tracked and not stopping)
        wanted = look_at(tracker, watches, due=due)
        if looked:
            leave([one for one in watches if one.courier not in wanted])
            watches = [one for one in watches if one.courier in wanted]
        tracker.undetected_at = Now() if due and not (wanted or watches) else None
        couriers |= set(wanted)
    if stopping:
        quiet(watches)
        tracker.is_subscribed = False
        tracker.undetected_at = None
    return sorted(couriers)


def _subscribe(tracker: Tracker) -> None:
    """Take up an unsubscribed tracker: nothing else may stand in its place, and the quota must have room."""
    left = room(tracker.merchant_id)
    if left is not None and left <= 0:
        raise exhausted()
    tracker.is_subscribed = True
    try:
        with transaction.atomic():
            tracker.save(update_fields=["is_subscribed"])
    except IntegrityError as error:
        message = "isSubscribed: another subscribed tracker has its clientTrackerId or its payload."
        raise ApiError(400, "tracker_conflict", message) from error
