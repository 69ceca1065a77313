"""Where scans stand: the form of it, and the scans of a partial answer among those that are known. Pure.

A whole answer lists a scan between its neighbours. A push tells it alone: what is known stands where it
stood, and what is new comes behind what is known of its moment, since carriers push what is newest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from carriers.ordering import LAST
from carriers.snapshot import Certainty, Scan

#: A known scan, as `trackers.fold` holds it.
Known = Mapping[str, Any]


def placed_at(moment: datetime) -> str:
    """Of one width and in UTC, so that text order is time order."""
    return f"{moment.astimezone(UTC).isoformat(timespec='microseconds')[:26]}Z"


def told_again(known: str, moment: datetime) -> str:
    """The form of a moment that most likely is this known one: to read it takes a tenth of writing it."""
    return known if datetime.fromisoformat(known) == moment else placed_at(moment)


def among(known: Mapping[str, Known], scans: Iterable[Scan]) -> list[Scan]:
    """These scans, oldest first, placed and ranked among the known ones (by their keys)."""
    found = []
    standing = [(_place(one), one) for one in known.values() if not one["withdrawn"]]
    for scan in scans:
        entry = known.get(scan.key)
        same = entry is not None and entry["timeText"] == scan.moment.text
        found.append(_as_known(scan, entry) if entry is not None and same else _behind(scan, standing))
    return sorted(found, key=lambda scan: (scan.placed or LAST, scan.rank))


def _as_known(scan: Scan, entry: Known) -> Scan:
    return replace(scan, placed=_place(entry), rank=entry["order"])


def _place(entry: Known) -> datetime:
    return datetime.fromisoformat(entry["placedAt"])


def _behind(scan: Scan, standing: Sequence[tuple[datetime, Known]]) -> Scan:
    """A day alone stands behind what is known of that day."""
    if scan.placed is None:
        return scan
    place = scan.placed
    if scan.moment.certainty is Certainty.DATE_ONLY:
        of_day = (at for at, one in standing if (one["occurrenceDatetime"] or "")[:10] == scan.moment.written)
        place = max([place, *of_day])
    taken = [one["order"] for at, one in standing if at == place and one["scanKey"] != scan.key]
    return replace(scan, placed=place, rank=max(taken, default=-1) + 1 + scan.rank)
