"""What kept answers of one courier tell when they are read as answers are read today. Pure.

The answer that was recorded last is compared with the log as a poll is. Of others only what no newer one
tells is looked at, and of known scans only how they are read: what the log says of their place may be newer.
Nothing is withdrawn, and nothing that was withdrawn comes back. Which scans without a time there are, and
where they stand, is left as it is: all that is for polls to find out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from carriers.snapshot import Certainty, Scan, Snapshot
from events import log
from events.catalog import Fact, ScanAmended, Scanned, ShipmentUpdated
from events.log import Recorded
from trackers.changes import changes
from trackers.fold import Projection, fold
from trackers.quarantine import NO_DATE

Known = Mapping[str, Any]
_NOBODY = UUID(int=0)
_NO_TIME = Certainty.UNKNOWN.value
#: What our maps make of a scan.
_READING = frozenset({"statusCode", "statusMilestone", "reason", "final"})


@dataclass(frozen=True, slots=True)
class Reread:
    """A kept answer, read today. `current`: it is what was last recorded of its watch."""

    asked_at: datetime
    snapshot: Snapshot
    current: bool = False


def corrections(before: Projection, answers: Iterable[Reread], oldest: str = NO_DATE) -> list[Fact]:
    """The facts that the log lacks, in the order to append them; the answers come newest first.

    What stands before `oldest` is of another parcel (`trackers.quarantine`).
    """
    found: list[Fact] = []
    after, told, is_whole = before, set[str](), False
    for answer in answers:
        known = _by_key(after, answer.snapshot.courier)
        snapshot = replace(
            answer.snapshot, scans=tuple(_scans(answer, known, told=told, is_complete=not is_whole))
        )
        facts = [
            fact
            for fact in _changes(after, snapshot, answer.asked_at, oldest)
            if _is_ours_to_tell(fact, answer)
        ]
        after = fold(after, _recorded(facts, after.version))
        found += facts
        told |= _told(answer.snapshot, _by_key(after, answer.snapshot.courier))
        is_whole = is_whole or not answer.snapshot.partial
    return found


def _changes(after: Projection, snapshot: Snapshot, asked_at: datetime, oldest: str) -> list[Fact]:
    return changes(after.state, snapshot, asked_at=asked_at, absent={}, oldest=oldest).facts


def _by_key(projection: Projection, courier: str) -> dict[str, Known]:
    scans = (scan for scan in projection.state["scans"] if scan["courierCode"] == courier)
    return {key: scan for scan in scans for key in _keys(scan)}


def _keys(entry: Known) -> list[str]:
    return [entry["scanKey"], *entry["aliases"]]


def _told(snapshot: Snapshot, known: Mapping[str, Known]) -> set[str]:
    """All keys of the scans that a snapshot tells."""
    keys = {scan.key for scan in snapshot.scans}
    return keys.union(*(_keys(known[key]) for key in keys & known.keys()))


def _scans(
    answer: Reread, known: Mapping[str, Known], *, told: set[str], is_complete: bool
) -> Iterator[Scan]:
    """The scans of an answer that are to be compared. `is_complete`: no newer answer was whole, and lacks
    some."""
    here = told | _told(answer.snapshot, known)
    left = [one for one in known.values() if here.isdisjoint(_keys(one))]
    for scan in answer.snapshot.scans:
        unknown = scan.key not in known and not (answer.current and scan.supersedes in known)
        kin = _kin(scan, left) if unknown else None
        left = [one for one in left if one is not kin]
        if kin is not None and kin["aliases"]:
            continue  # it can go by one more key only; the next poll settles it
        same = replace(scan, supersedes=kin["scanKey"]) if kin is not None else scan
        if answer.current:
            yield same
        elif scan.moment.instant is not None and scan.key not in told:
            yield from _old(same, kin or known.get(scan.key), is_complete=is_complete)


def _old(scan: Scan, entry: Known | None, *, is_complete: bool) -> Iterator[Scan]:
    """A scan of an answer that others have followed, as far as it may be believed."""
    if entry is None:
        if is_complete:
            yield replace(scan, supersedes=None)
    elif not entry["withdrawn"] and _is_as_sent(entry, scan):
        yield replace(scan, location=entry["location"], raw=dict(entry["raw"]), rank=0)


def _kin(scan: Scan, left: Sequence[Known]) -> Known | None:
    """The scan that this one was before its code was read otherwise: nothing else tells that one any more."""
    if scan.moment.instant is None:
        return None
    return next((one for one in left if not one["withdrawn"] and _is_as_sent(one, scan)), None)


def _is_as_sent(entry: Known, scan: Scan) -> bool:
    return bool(entry["timeText"] == scan.moment.text and entry["status"] == scan.text)


def _is_ours_to_tell(fact: Fact, answer: Reread) -> bool:
    match fact:
        case Scanned():
            return fact.time_certainty != _NO_TIME
        case ScanAmended():
            read_otherwise = fact.time_certainty != _NO_TIME or not _READING.isdisjoint(fact.changed)
            return "withdrawn" not in fact.changed and read_otherwise
    return answer.current and isinstance(fact, ShipmentUpdated)


def _recorded(facts: Sequence[Fact], version: int) -> list[Recorded]:
    """The facts as the log would hold them."""
    now = timezone.now()
    events = (log.event_of(_NOBODY, version + nth, fact) for nth, fact in enumerate(facts, start=1))
    return [Recorded(_NOBODY, new.stream, new.version, new.type, new.key, new.data, now) for new in events]
