"""The order of scans: where those without a time stand, and which comes first in one instant. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby

from carriers.snapshot import Certainty, Moment, Scan, Unmapped

#: Sorts what has no place after all that has one: it was seen just now.
LAST = datetime.max.replace(tzinfo=UTC)


def anchors(scans: Sequence[Moment]) -> list[int | None]:
    """For each moment of a list, oldest first, the index of the one whose instant places it.

    A moment with an instant places itself, one without stands with its older neighbour; where none older has
    an instant, with its newer one. None where the whole list has none.
    """
    timed = [index for index, moment in enumerate(scans) if moment.instant]
    anchor = timed[0] if timed else None
    found = []
    for index, moment in enumerate(scans):
        anchor = index if moment.instant else anchor
        found.append(anchor)
    return found


def places(scans: Sequence[Moment]) -> list[datetime | None]:
    """For each moment of a list, oldest first, where it stands: the instant of its anchor."""
    return [None if anchor is None else scans[anchor].instant for anchor in anchors(scans)]


def placed(scans: Sequence[Scan]) -> list[Scan]:
    """Scans of a list, oldest first, each with its place. A day alone stands behind what it is listed after
    on that day."""
    found: list[Scan] = []
    last: dict[str, datetime] = {}
    for scan, instant in zip(scans, places([scan.moment for scan in scans]), strict=True):
        day = (scan.moment.wall or "")[:10]
        place = instant
        if place and day:
            latest = max(place, last.get(day, place))
            last[day] = latest
            place = latest if scan.moment.certainty is Certainty.DATE_ONLY else place
        found.append(replace(scan, placed=place))
    return found


def ranked(scans: Iterable[Scan]) -> list[Scan]:
    """Number the scans that share a place, in the order they come in. Scans of one place come together."""
    listed = list(scans)
    told = zip(listed, ranks(scan.placed for scan in listed), strict=True)
    return [scan if scan.rank == rank else replace(scan, rank=rank) for scan, rank in told]


def ranks(places: Iterable[datetime | None]) -> list[int]:
    """The number of each among those of its place, in the order they come in. Equal places come together."""
    return [rank for _, same in groupby(places) for rank, _ in enumerate(same)]


def unmapped(scans: Iterable[Scan]) -> tuple[Unmapped, ...]:
    """The codes (texts, where there is none) that have no milestone in our map, each once."""
    found: dict[str, Unmapped] = {}
    for scan in scans:
        word = scan.carrier_code or scan.text
        if scan.milestone is None and word:
            found.setdefault(word, Unmapped(word, scan.text))
    return tuple(found.values())
