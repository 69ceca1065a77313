"""The projection: what a tracker's events amount to. Pure; the log alone decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from events.catalog import (
    ScanAmended,
    Scanned,
    ScanWithdrawn,
    ShipmentUpdated,
    TrackerErased,
    TrackerRestarted,
    TrackerStopped,
    TrackerUpdated,
    TrackingStalled,
    is_heard,
    tells,
)
from events.log import Recorded
from events.statuses import Milestone
from trackers.milestones import ScanEntry, place, where

_RECORDED_AT = attrgetter("recorded_at")


def _empty_state() -> dict[str, Any]:
    return {"scans": [], "shipments": {}, "counts": {}}


@dataclass(frozen=True, slots=True)
class Projection:
    """What the tracker row holds beside the merchant's wishes.

    `state` is JSON: `scans` (oldest first; each is its event's data with `eventId`, `version`, `recordedAt`,
    `aliases`, `amendments`, `withdrawn`), `shipments` (facts by courier), `counts` (events by key prefix).
    `trackers.milestones` says what of the scans counts, and what they make of the parcel.
    """

    version: int = 0
    last_message_sequence: int | None = None
    milestone: str = Milestone.PENDING.value
    status_code: str | None = None
    #: Whether the milestone is the carrier's last word.
    final: bool = False
    stop_reason: str | None = None
    news_at: datetime | None = None
    milestone_at: datetime | None = None
    #: When the log last grew after its first append; that one's moment is the tracker's creation.
    updated_at: datetime | None = None
    #: The day, at the destination, on which carriers expect to deliver: the latest that any of them says.
    due_on: date | None = None
    #: When subscribers were told that nothing is heard; None once something is.
    stalled_at: datetime | None = None
    restarted_at: datetime | None = None
    erased_at: datetime | None = None
    state: dict[str, Any] = field(default_factory=_empty_state)


def fold(before: Projection, events: Iterable[Recorded]) -> Projection:
    """`before` and then these events, by version. Folding in two steps gives what folding in one gives."""
    after = before
    for _, append in groupby(events, key=_RECORDED_AT):
        after = _fold_append(after, list(append))
    return after


def _fold_append(before: Projection, append: Sequence[Recorded]) -> Projection:
    state: dict[str, Any] = {
        "scans": list(before.state["scans"]),
        "shipments": dict(before.state["shipments"]),
        "counts": dict(before.state["counts"]),
    }
    last = append[-1]
    recorded_at = last.recorded_at.isoformat()
    for event in append:
        _apply(state, event, recorded_at)
    state["scans"].sort(key=place)
    types = {event.type for event in append}
    milestone, status_code, final = where(state["scans"])
    moved = milestone != before.milestone
    told = moved or any(tells(event.type, event.data) for event in append)
    heard = any(is_heard(event.type, event.data) for event in append)
    restarted = TrackerRestarted.type in types
    return Projection(
        version=last.version,
        last_message_sequence=last.version if told else before.last_message_sequence,
        milestone=milestone,
        status_code=status_code,
        final=final,
        stop_reason=_stop_reason(before.stop_reason, append),
        news_at=last.recorded_at if heard else before.news_at,
        milestone_at=last.recorded_at if moved else before.milestone_at,
        updated_at=last.recorded_at if before.version else None,
        due_on=_due_on(state["shipments"].values()),
        stalled_at=_stalled_at(before, last, types, over=heard or moved or restarted),
        restarted_at=last.recorded_at if restarted else before.restarted_at,
        erased_at=before.erased_at or (last.recorded_at if TrackerErased.type in types else None),
        state=state,
    )


def _due_on(shipments: Iterable[dict[str, Any]]) -> date | None:
    ends = [told["estimatedTo"][:10] for told in shipments if told["estimatedTo"]]
    return date.fromisoformat(max(ends)) if ends else None


def _stalled_at(before: Projection, last: Recorded, types: set[str], *, over: bool) -> datetime | None:
    """A new scan, a move and a restart end a silence."""
    if over:
        return None
    return last.recorded_at if TrackingStalled.type in types else before.stalled_at


def _apply(state: dict[str, Any], event: Recorded, recorded_at: str) -> None:
    scans: list[ScanEntry] = state["scans"]
    match event.type:
        case Scanned.type:
            scans.append(
                event.data
                | {
                    "eventId": str(event.id),
                    "version": event.version,
                    "recordedAt": recorded_at,
                    "aliases": [],
                    "amendments": 0,
                    "withdrawn": False,
                }
            )
        case ScanAmended.type:
            index = _index(scans, event.data["scanKey"])
            scans[index] = _amended(scans[index], event.data)
        case ScanWithdrawn.type:
            index = _index(scans, event.data["scanKey"])
            scans[index] = scans[index] | {"withdrawn": True, "amendments": event.data["count"]}
        case ShipmentUpdated.type:
            courier = event.data["courierCode"]
            state["shipments"][courier] = event.data
        case TrackerStopped.type | TrackerRestarted.type | TrackerUpdated.type:
            prefix = event.key.partition(":")[0]
            state["counts"][prefix] = state["counts"].get(prefix, 0) + 1


def _stop_reason(before: str | None, append: Iterable[Recorded]) -> str | None:
    """Why nobody asks any more; None while somebody does."""
    reason = before
    for event in append:
        if event.type == TrackerStopped.type:
            reason = event.data["reason"]
        elif event.type == TrackerRestarted.type:
            reason = None
    return reason


def _amended(scan: ScanEntry, data: dict[str, Any]) -> ScanEntry:
    told = {name: value for name, value in data.items() if name not in {"alias", "changed", "count"}}
    aliases = scan["aliases"] if data["alias"] is None else [*scan["aliases"], data["alias"]]
    return scan | told | {"aliases": aliases, "amendments": data["count"], "withdrawn": False}


def _index(scans: Sequence[ScanEntry], key: str) -> int:
    return next(index for index, scan in enumerate(scans) if scan["scanKey"] == key)
