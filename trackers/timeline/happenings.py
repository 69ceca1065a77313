"""What the log holds of a parcel, as entries."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from events.catalog import (
    ScanAmended,
    Scanned,
    ScanWithdrawn,
    ShipmentUpdated,
    TrackerCreated,
    TrackerErased,
    TrackerRestarted,
    TrackerStopped,
    TrackerUpdated,
    TrackingStalled,
)
from events.log import Recorded
from events.models import Event
from trackers.timeline.entries import Entry, Kind, Place
from trackers.timeline.moves import moves

_SCANS = frozenset({Scanned.type, ScanAmended.type})
_FIELDS = ("id", "stream", "version", "type", "key", "data", "recorded_at")


class _Told(NamedTuple):
    """What an event is called, and what is said of it."""

    label: str
    title: str
    facts: Sequence[tuple[str, Any]] = ()


def happenings(tracker_id: UUID, below: Place | None, most: int) -> list[Entry]:
    """The newest so many events of a tracker below a place, newest first; one statement.

    The whole log up to there is read: where the parcel was then is what all of it amounts to.
    """
    rows = Event.objects.filter(stream=tracker_id, **({"recorded_at__lte": below.at} if below else {}))
    log = [Recorded(*row) for row in rows.order_by("version").values_list(*_FIELDS)]
    shown = [event for event in log if below is None or _place(event) < below][-most:]
    if not shown:
        return []
    # Appends are judged whole, also where a page cuts one.
    first = shown[0].recorded_at
    before = [event for event in log if event.recorded_at < first]
    moved = dict(moves(before, log[len(before) :]))
    texts = {event.data["scanKey"]: event.data["status"] for event in log if event.type == Scanned.type}
    return [_entry(event, texts, moved.get(event.version, "")) for event in reversed(shown)]


def _place(event: Recorded) -> Place:
    return Place(event.recorded_at, Kind.EVENT, event.version)


def _entry(event: Recorded, texts: Mapping[str, str], moved_to: str) -> Entry:
    told = _TELL[event.type](event.data) if event.type in _TELL else _Told(event.type, "")
    title = told.title or texts.get(event.data.get("scanKey", ""), "")
    return Entry(
        place=_place(event),
        label=told.label,
        title=title,
        facts=[(name, str(value)) for name, value in told.facts if value],
        tone="bad" if event.type == TrackingStalled.type or event.data.get("quarantined") else "",
        scan=event.data if event.type in _SCANS else None,
        moved_to=moved_to,
    )


def _scan(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    moment = data["occurrenceDatetime"] or data["timeText"] or "no time"
    return [
        ("time", f"{moment} ({data['timeCertainty'].replace('_', ' ')})"),
        ("place", data["location"]),
        ("courier", data["courierCode"]),
        ("milestone", data["statusMilestone"]),
        ("status code", data["statusCode"]),
        ("carrier's code", data["carrierEventCode"]),
        ("reason", (data["reason"] or {}).get("text") or (data["reason"] or {}).get("code")),
        ("set apart", "of another parcel, counts for nothing" if data.get("quarantined") else None),
    ]


def _shipment(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    estimate = " to ".join(filter(None, (data["estimatedFrom"], data["estimatedTo"])))
    return [("courier", data["courierCode"]), ("expected", estimate), ("service", data["service"])]


_TELL: Mapping[str, Callable[[Mapping[str, Any]], _Told]] = {
    TrackerCreated.type: lambda data: _Told(
        "created",
        f"Followed as {data['trackingNumber']}",
        [("couriers", ", ".join(data["courierCode"]))],
    ),
    TrackerUpdated.type: lambda data: _Told("updated", f"Changed: {', '.join(data['changed'])}"),
    TrackerStopped.type: lambda data: _Told("stopped", f"Stopped: {data['reason']}"),
    TrackerRestarted.type: lambda _: _Told("restarted", "Taken up again"),
    TrackerErased.type: lambda _: _Told("erased", "Personal data erased"),
    TrackingStalled.type: lambda data: _Told(
        "stalled",
        f"Nothing heard at {data['milestone']}",
        [("silent since", data["silentSince"])],
    ),
    Scanned.type: lambda data: _Told("scan", data["status"], _scan(data)),
    ScanAmended.type: lambda data: _Told(
        "amendment", data["status"], [("changed", ", ".join(data["changed"])), *_scan(data)]
    ),
    ScanWithdrawn.type: lambda _: _Told("withdrawal", ""),
    ShipmentUpdated.type: lambda data: _Told("shipment", "Told of the shipment", _shipment(data)),
}
