"""Where a parcel is by its scans: the one rule, shared by the fold, what is shown and the statistics. Pure.

Scans stand in the order of their moments, those of one moment as their carrier lists them (`place`). Each
that says where the parcel is moves it there. But a parcel that has come to an end, delivered or returned,
stays there until a scan that stands clearly later begins a new leg: drivers write "out for delivery" minutes
after "delivered", and parcels come back under the number that they went out with. Lost, destroyed and
cancelled are no such ends: whatever follows them counts. docs/milestones.md tells the same.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

from carriers.snapshot import Certainty
from events.statuses import Milestone, StatusCode
from trackers.placing import placed_at

#: A scan as `trackers.fold` holds it.
ScanEntry = dict[str, Any]

#: From then on after an end, what a carrier says is of a new leg.
NEW_LEG_AFTER = timedelta(hours=6)
#: A day alone may mean its last second: what comes after it is later by so much less.
A_DAY = timedelta(days=1)
#: Moments of two couriers are no more comparable than this where the zone of one is only assumed.
ZONES_APART = timedelta(hours=14)

_ZONE_ASSUMED = frozenset({Certainty.ZONE_ASSUMED, Certainty.DATE_ONLY})
# Read once: a member of an enum is not found as fast as a name.
_PENDING, _DELIVERED = Milestone.PENDING.value, Milestone.DELIVERED.value
_RETURN = StatusCode.EXCEPTION_RETURN.value
#: Sorts after every moment.
_NEVER = "~"


class Step(NamedTuple):
    """A scan that stands, the parcel's milestone at that point, and whether it is this scan that set it."""

    scan: ScanEntry
    milestone: str
    sets: bool

    @property
    def says(self) -> str:
        """The scan's own milestone; of one that says none, the parcel's."""
        return self.scan["statusMilestone"] or self.milestone


class _End(NamedTuple):
    """An end that holds: until when (as `placedAt`), and how much of a last word it is."""

    word: int
    until: str
    until_elsewhere: str
    courier: str
    zone_assumed: bool

    @classmethod
    def of(cls, scan: ScanEntry) -> Self | None:
        word = _last_word(scan)
        if not word:
            return None
        certainty = scan["timeCertainty"]
        until = NEW_LEG_AFTER + (A_DAY if certainty == Certainty.DATE_ONLY else timedelta())
        return cls(
            word=word,
            until=_after(scan["placedAt"], until),
            until_elsewhere=_after(scan["placedAt"], until + ZONES_APART),
            courier=scan["courierCode"],
            zone_assumed=certainty in _ZONE_ASSUMED,
        )

    def holds_against(self, scan: ScanEntry) -> bool:
        """Whether the parcel stays where it is. Another end that says as much or more takes its place."""
        if _last_word(scan) >= self.word:
            return False
        elsewhere = scan["courierCode"] != self.courier
        unsure = elsewhere and (self.zone_assumed or scan["timeCertainty"] in _ZONE_ASSUMED)
        return bool(scan["placedAt"] < (self.until_elsewhere if unsure else self.until))


def place(scan: ScanEntry) -> tuple[str, str, int, str]:
    """Sorts scans oldest first. It is the same whichever of them became known first."""
    return scan["placedAt"], scan["courierCode"], scan["order"], scan["scanKey"]


def counts(scan: ScanEntry) -> bool:
    """Whether a scan is of the parcel: not withdrawn by its carrier, and not of another shipment's time.

    What was recorded before there was a quarantine does not speak of it.
    """
    return not (scan["withdrawn"] or scan.get("quarantined", False))


def quarantined(scans: Iterable[ScanEntry]) -> Iterator[ScanEntry]:
    """The scans that are set apart, as if they were a parcel's own."""
    for scan in scans:
        if scan.get("quarantined", False):
            yield scan | {"quarantined": False}


def timeline(scans: Iterable[ScanEntry]) -> list[Step]:
    """The scans that count, oldest first as they come in, each with what it makes of the parcel."""
    steps: list[Step] = []
    milestone = _PENDING
    end: _End | None = None
    for scan in scans:
        if scan["withdrawn"] or scan.get("quarantined", False):  # as `counts` has it, which is slower to call
            continue
        said = scan["statusMilestone"]
        sets = said is not None and not (end and end.holds_against(scan))
        if sets:
            milestone, end = said, _End.of(scan)
        steps.append(Step(scan, milestone, sets))
    return steps


def standing(scans: Iterable[ScanEntry]) -> ScanEntry | None:
    """The scan that says where the parcel is now; None while none does."""
    return next((step.scan for step in reversed(timeline(scans)) if step.sets), None)


def where(scans: Iterable[ScanEntry]) -> tuple[str, str | None, bool]:
    """Milestone, status code, and whether that is the carrier's last word."""
    scan = standing(scans)
    if scan is None:
        return _PENDING, None, False
    return scan["statusMilestone"], scan["statusCode"], scan["final"]


def _last_word(scan: ScanEntry) -> int:
    """How much of an end a scan is. A parcel handed back to its sender may be scanned as delivered too."""
    if scan["final"] and scan["statusCode"] == _RETURN:
        return 2
    return 1 if scan["statusMilestone"] == _DELIVERED else 0


def _after(moment: str, by: timedelta) -> str:
    """A moment in the form of `placedAt`, later by so much."""
    try:
        return placed_at(datetime.fromisoformat(moment) + by)
    except OverflowError:  # in the last hours that there are
        return _NEVER
