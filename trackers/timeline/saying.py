"""What the carrier really said of a scan: its own entry in the kept answer that told it."""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, Func, IntegerField

from trackers.models import RawAnswer
from trackers.timeline.entries import Entry, Said

#: Answers of one page that are looked into, and bytes, packed and unpacked, over which none is.
ANSWERS, PACKED, UNPACKED = 25, 256 * 1024, 4 * 1024 * 1024


class _Size(Func):
    function = "octet_length"
    output_field = IntegerField()


class _Kept(NamedTuple):
    id: int
    courier: str
    asked_at: Any
    created_at: Any


def with_sayings(tracker_id: UUID, entries: Sequence[Entry]) -> list[Entry]:
    """These entries, newest first, the scans among them with what their carrier said; two statements at most.

    An answer was asked for before what it told was recorded, and kept after that, in one transaction. None is
    kept of a house account's, nor of a parcel that was erased: then there is nothing to show.
    """
    scans = [entry for entry in entries if entry.scan is not None]
    if not scans:
        return list(entries)
    kept = RawAnswer.objects.filter(watch__tracker_id=tracker_id, created_at__gte=scans[-1].place.at)
    rows = [_Kept(*row) for row in kept.values_list("id", "watch__courier", "asked_at", "created_at")]
    told = {entry.place: answer for entry in scans for answer in rows if _told_by(answer, entry)}
    bodies = _bodies(list(dict.fromkeys(answer.id for answer in told.values()))[:ANSWERS])
    return [
        replace(entry, said=_said(entry.scan, told[entry.place].id, bodies))
        if entry.scan is not None and entry.place in told
        else entry
        for entry in entries
    ]


def _told_by(answer: _Kept, entry: Entry) -> bool:
    courier = (entry.scan or {}).get("courierCode")
    return answer.courier == courier and answer.asked_at <= entry.place.at <= answer.created_at


def _bodies(ids: Sequence[int]) -> dict[int, Any]:
    """The answers of a bearable size, as JSON, by id."""
    rows = RawAnswer.objects.filter(id__in=ids).alias(size=_Size(F("body"))).filter(size__lte=PACKED)
    return {id_: _json(bytes(body)) for id_, body in rows.values_list("id", "body")}


def _json(body: bytes) -> Any:
    unpacked = zlib.decompressobj().decompress(body, UNPACKED)
    try:
        return json.loads(unpacked)
    except (ValueError, RecursionError):
        return None


def _said(scan: Mapping[str, Any], answer: int, bodies: Mapping[int, Any]) -> Said:
    found = entry_of(scan, bodies.get(answer))
    return Said(json.dumps(found, ensure_ascii=False, indent=2) if found else "", answer)


def entry_of(scan: Mapping[str, Any], answer: Any) -> dict[str, Any] | None:
    """The object within an answer that has most of the scan's time, code and text as they were sent.

    None where no object has two of them: then nobody can say which it is.
    """
    sought = {text for text in (scan["timeText"], scan["carrierEventCode"], scan["status"]) if text}
    found = max(_objects(answer), key=lambda one: _has(one, sought), default={})
    return found if found and _has(found, sought) >= min(2, len(sought)) else None


def _has(one: Mapping[str, Any], sought: set[str]) -> int:
    return len(sought.intersection(str(value) for value in one.values() if isinstance(value, str | int)))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in it, however deep."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(reversed(one))
