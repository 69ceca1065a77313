"""Many trackers of one merchant at once: which are meant, and batches of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from events.conflicts import or_conflict
from trackers.filtering import TrackerFilter, in_time
from trackers.models import Tracker

#: Trackers that one call takes, and those that one transaction takes.
MOST, BATCH = 5_000, 500


@dataclass(frozen=True, slots=True)
class Chosen:
    """Trackers of one merchant: a query for them. `unknown` are ids given that are none of its own."""

    merchant_id: UUID
    trackers: QuerySet[Tracker]
    unknown: Sequence[str] = ()
    by_filter: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """How many were meant, how many were changed, and whether more are left that one call could not take."""

    matched: int
    changed: int
    has_more: bool


def chosen(merchant_id: UUID, valid: Mapping[str, Any]) -> Chosen:
    """What a validated choice means: ids, the merchant's own ids, or a filter."""
    mine = Tracker.objects.filter(merchant_id=merchant_id)
    if given := valid.get("trackerIds"):
        return _by_id(merchant_id, given)
    if names := valid.get("clientTrackerIds"):
        return _by_client_id(merchant_id, names)
    return Chosen(merchant_id, TrackerFilter.apply(mine, valid.get("filter") or {}), by_filter=True)


def only(tracker: Tracker) -> Chosen:
    """This one."""
    mine = Tracker.objects.filter(merchant_id=tracker.merchant_id)
    return Chosen(tracker.merchant_id, mine.filter(id=tracker.id))


def _by_id(merchant_id: UUID, given: Sequence[str]) -> Chosen:
    mine = Tracker.objects.filter(merchant_id=merchant_id)
    ids = {text: id_ for text in given if (id_ := _uuid(text))}
    found = set(mine.filter(id__in=ids.values()).values_list("id", flat=True))
    unknown = [text for text in dict.fromkeys(given) if ids.get(text) not in found]
    return Chosen(merchant_id, mine.filter(id__in=found), unknown)


def _by_client_id(merchant_id: UUID, names: Sequence[str]) -> Chosen:
    """Of several trackers that had one name in turn, the subscribed one, else the newest, as in paths."""
    mine = Tracker.objects.filter(merchant_id=merchant_id)
    of_names = mine.filter(client_tracker_id__in=names).distinct("client_tracker_id")
    of_names = of_names.order_by("client_tracker_id", "-is_subscribed", "-created_at", "-id")
    found = {name: id_ for id_, name in of_names.values_list("id", "client_tracker_id")}
    unknown = [name for name in dict.fromkeys(names) if name not in found]
    return Chosen(merchant_id, mine.filter(id__in=found.values()), unknown)


def in_batches(choice: Chosen, work: Callable[[Chosen], int]) -> Done:
    """Do `work` on each batch, in a transaction of its own. Whoever calls again goes on where it ended.

    `work` gets what is left of the choice in a batch, and returns how many it changed.
    """
    with in_time():
        ids = list(choice.trackers.order_by("id").values_list("id", flat=True)[: MOST + 1])
    changed = 0
    for batch in _batches(ids[:MOST]):
        part = replace(choice, trackers=choice.trackers.filter(id__in=batch))
        changed += or_conflict(partial(work, part))
    return Done(len(ids[:MOST]), changed, has_more=len(ids) > MOST)


def _batches(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
