"""What an answer tells that the log does not hold yet. Pure: known scans and a snapshot in, facts out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from carriers.snapshot import Moment, Scan, ShipmentFacts, Snapshot
from events.catalog import Fact, ScanAmended, Scanned, ScanWithdrawn, ShipmentUpdated
from trackers.milestones import ScanEntry
from trackers.placing import among, placed_at, told_again
from trackers.quarantine import NO_DATE, is_anothers

#: A scan is withdrawn when two answers at least this far apart leave it out.
WITHDRAWN_AFTER = timedelta(hours=1)
#: What makes a known scan a changed one: the name in its data, and the fact's field.
_COMPARED = {
    "placedAt": "placed_at",
    "order": "order",
    "status": "status",
    "location": "location",
    "occurrenceDatetime": "occurrence_datetime",
    "timeCertainty": "time_certainty",
    "statusCode": "status_code",
    "statusMilestone": "status_milestone",
    "reason": "reason",
    "final": "final",
    "raw": "raw",
}
_as_known, _as_told = itemgetter(*_COMPARED), itemgetter(*_COMPARED.values())
#: What was recorded before there was a quarantine does not speak of it.
_QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Changes:
    """New facts in the order to append them, and the scans this answer left out (key to first moment).

    `anothers`: it tells of another parcel alone, so that what is personal in it is not this one's.
    """

    facts: list[Fact] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    anothers: bool = False


def changes(
    state: dict[str, Any],
    snapshot: Snapshot,
    *,
    asked_at: datetime,
    absent: dict[str, str],
    oldest: str = NO_DATE,
    late: bool = False,
) -> Changes:
    """Compare an answer with what the log holds of that courier.

    What stands before `oldest` (see `trackers.quarantine`) is of another parcel. An answer that comes `late`,
    after a newer one, tells scans that are not known yet, and nothing else.
    """
    known = _by_key(scan for scan in state["scans"] if scan["courierCode"] == snapshot.courier)
    facts = list(_scan_facts(known, snapshot, asked_at, oldest))
    anothers = is_anothers(snapshot, oldest)
    if late:
        return Changes([fact for fact in facts if isinstance(fact, Scanned)], absent, anothers)
    still_absent, withdrawn = _absences(known, snapshot, asked_at, absent)
    shipment = None if anothers else _shipment_fact(state, snapshot)
    return Changes([*facts, *withdrawn, *([shipment] if shipment else [])], still_absent, anothers)


def _by_key(scans: Iterable[ScanEntry]) -> dict[str, ScanEntry]:
    return {key: scan for scan in scans for key in (scan["scanKey"], *scan["aliases"])}


def _scan_facts(
    known: dict[str, ScanEntry], snapshot: Snapshot, asked_at: datetime, oldest: str
) -> Iterator[Fact]:
    """Scans of one instant stand in the order of the newest answer, behind what older answers put first."""
    last: dict[str, int] = {}
    newest = ""
    matched: set[str] = set()
    for scan in among(known, snapshot.scans) if snapshot.partial else snapshot.scans:
        key, entry = _match(known, scan)
        if entry and entry["scanKey"] in matched:
            if key in known:
                continue  # one answer tells one scan once
            entry = None
        place = _place(entry, scan, asked_at)
        fields = _fields(scan, place)
        fields["quarantined"] = place < oldest
        known_order = entry["order"] if entry and entry["placedAt"] == place else 0
        fields["order"] = last[place] = max(scan.rank, known_order, last.get(place, -1) + 1)
        if entry is None:
            newest = max(newest, place)
            yield Scanned(scan_key=key, **fields)
            continue
        matched.add(entry["scanKey"])
        amended = _amendment(entry, fields, None if key in _keys(entry) else key)
        if amended and not (scan.moment.instant is None and _has_time(entry)):
            yield amended
    if not snapshot.partial:
        yield from _overtaken(known, matched, newest, oldest)


def _match(known: dict[str, ScanEntry], scan: Scan) -> tuple[str, ScanEntry | None]:
    """The scan's key, and the known scan that it is; a timeless key that is spent counts on to a free one."""
    if scan.moment.instant is not None:
        return scan.key, known.get(scan.key) or _superseded(known, scan)
    key = scan.key
    while (entry := known.get(key)) and entry["aliases"]:
        key = _next(key)
    return key, entry


def _superseded(known: dict[str, ScanEntry], scan: Scan) -> ScanEntry | None:
    """The scan whose time this one brings; once that has happened, another of its kind is a new scan."""
    key = scan.supersedes or ""
    while (entry := known.get(key)) and entry["aliases"]:
        key = _next(key)
    return entry


def _next(key: str) -> str:
    stem, _, ordinal = key.rpartition("|")
    return f"{stem}|{int(ordinal) + 1}"


def _keys(entry: ScanEntry) -> list[str]:
    return [entry["scanKey"], *entry["aliases"]]


def _has_time(entry: ScanEntry) -> bool:
    return bool(entry["timeCertainty"] != "unknown")


def _overtaken(
    known: dict[str, ScanEntry], matched: set[str], newest: str, oldest: str
) -> Iterator[ScanAmended]:
    """Scans without a time stand where they were first seen. What is told first now happened after them."""
    for key, entry in known.items():
        stale = key == entry["scanKey"] and key not in matched and not _has_time(entry)
        if stale and not entry["withdrawn"] and newest and entry["placedAt"] >= newest:
            before = placed_at(datetime.fromisoformat(newest) - timedelta(microseconds=1))
            yield ScanAmended.moved(entry, before, entry["amendments"] + 1, quarantined=before < oldest)


def _amendment(entry: ScanEntry, fields: dict[str, Any], alias: str | None) -> ScanAmended | None:
    if entry["reason"] is not None and (fields["reason"] or {}).get("code") != entry["reason"]["code"]:
        # A reason belongs to the attempt it was first seen with, and so does the status it gave.
        fields = fields | {
            "reason": entry["reason"],
            "status_code": entry["statusCode"],
            "status_milestone": entry["statusMilestone"],
        }
    changed = []
    if _as_told(fields) != _as_known(entry):
        changed = [name for name, field in _COMPARED.items() if fields[field] != entry[name]]
    if fields[_QUARANTINED] != entry.get(_QUARANTINED, False):
        changed.append(_QUARANTINED)
    if entry["withdrawn"]:
        changed.append("withdrawn")
    if not (changed or alias):
        return None
    count = entry["amendments"] + 1
    return ScanAmended(scan_key=entry["scanKey"], alias=alias, changed=changed, count=count, **fields)


def _place(entry: ScanEntry | None, scan: Scan, asked_at: datetime) -> str:
    """Where a scan stands; without a place of its own where it stood, or when it was first seen."""
    if entry is None:
        return placed_at(scan.placed or asked_at)
    return told_again(entry["placedAt"], scan.placed) if scan.placed else str(entry["placedAt"])


def _fields(scan: Scan, place: str) -> dict[str, Any]:
    reason = scan.reason
    return {
        "courier_code": scan.courier,
        "source_code": scan.source,
        "carrier_event_code": scan.carrier_code,
        "status": scan.text,
        "location": scan.location,
        "occurrence_datetime": scan.moment.written,
        "time_certainty": scan.moment.certainty,
        "time_text": scan.moment.text,
        "placed_at": place,
        "order": scan.rank,
        "status_code": scan.status_code,
        "status_milestone": scan.milestone,
        "reason": ({"code": reason.code, "text": reason.text, "party": reason.party} if reason else None),
        "final": scan.final,
        "quarantined": False,
        "raw": scan.raw,
        "_moment": scan.moment.instant,
    }


def _absences(
    known: dict[str, ScanEntry], snapshot: Snapshot, asked_at: datetime, absent: dict[str, str]
) -> tuple[dict[str, str], list[ScanWithdrawn]]:
    """Scans left out: first noted, then withdrawn. An empty, partial or unreadable answer proves nothing."""
    if not snapshot.scans or snapshot.set_aside or snapshot.partial:
        return absent, []
    if not known:
        return {}, []
    seen = {entry["scanKey"] for scan in snapshot.scans if (entry := _match(known, scan)[1])}
    missing = {
        scan["scanKey"]: scan
        for scan in known.values()
        if not scan["withdrawn"]
        and scan["timeCertainty"] != "unknown"
        and scan["scanKey"] not in seen
        and datetime.fromisoformat(scan["recordedAt"]) < asked_at
    }
    noted = {key: absent.get(key, asked_at.isoformat()) for key in missing}
    withdrawn = [
        ScanWithdrawn(
            scan_key=key,
            count=missing[key]["amendments"] + 1,
            quarantined=missing[key].get(_QUARANTINED, False),
        )
        for key, first in noted.items()
        if asked_at - datetime.fromisoformat(first) >= WITHDRAWN_AFTER
    ]
    for fact in withdrawn:
        del noted[fact.scan_key]
    return noted, withdrawn


def _shipment_fact(state: dict[str, Any], snapshot: Snapshot) -> ShipmentUpdated | None:
    before = state["shipments"].get(snapshot.courier)
    told = snapshot.shipment
    if before is None and told == ShipmentFacts():
        return None
    fact = ShipmentUpdated(
        courier_code=snapshot.courier,
        estimated_from=_written(told.estimated_from),
        estimated_to=_written(told.estimated_to),
        service=told.service,
        origin_country_code=told.origin_country_code,
        destination_country_code=told.destination_country_code,
        details=told.details,
        count=(before["count"] if before else 0) + 1,
    )
    if before and snapshot.partial:
        fact = _completed(fact, before)
    if before and before | {"count": fact.count} == fact.data():
        return None
    return fact


def _completed(fact: ShipmentUpdated, before: dict[str, Any]) -> ShipmentUpdated:
    """What a partial answer leaves out is as it was; both ends of an estimate belong together."""
    told = fact.estimated_from or fact.estimated_to
    return replace(
        fact,
        estimated_from=fact.estimated_from if told else before["estimatedFrom"],
        estimated_to=fact.estimated_to if told else before["estimatedTo"],
        service=fact.service or before["service"],
        origin_country_code=fact.origin_country_code or before["originCountryCode"],
        destination_country_code=fact.destination_country_code or before["destinationCountryCode"],
        details=before["details"] | fact.details,
    )


def _written(moment: Moment | None) -> str | None:
    return moment.written if moment else None
