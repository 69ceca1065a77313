"""Which scan is which: the key that names one for ever within its tracker. Pure.

A key is made of what a carrier does not reword: the courier, the wall clock as sent, the carrier's code (its
text where it has none) and an ordinal among equals. Places and our mapping are left out: both improve later.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from operator import attrgetter

from carriers.snapshot import Scan

MAX_LENGTH = 200
#: The fields of a scan after its key: `dataclasses.replace` takes three times as long.
_but_key = attrgetter(*(field.name for field in fields(Scan)[1:]))
#: Stands for the wall clock of a scan that has none.
_NO_WALL = "-"


def keyed(scans: Iterable[Scan]) -> tuple[Scan, ...]:
    """Give each scan its key, oldest first as they come. A key that is already set is kept.

    `courier|wall clock|code or text|ordinal`, at most MAX_LENGTH characters.
    """
    naming = Naming()
    return tuple(scan if scan.key else Scan(naming.of(*_told(scan)), *_but_key(scan)) for scan in scans)


class Naming:
    """The keys of one answer's scans, each in its turn, oldest first: for who makes them key and all."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, courier: str, wall: str | None, word: str) -> str:
        """The key of the next scan: its wall clock, where it has one, and its code (its text without one)."""
        return _next(_joined(courier, wall or _NO_WALL, word), self._seen)


def timeless(courier: str, word: str, ordinal: int = 1) -> str:
    """The key of a scan that has no time yet: the `ordinal`-th of this code or text."""
    return f"{_joined(courier, _NO_WALL, word)}|{ordinal}"


def superseding(scans: Sequence[Scan]) -> list[Scan]:
    """Mark the scans that have a time: the nth of a code brings it for the nth of that code that had none."""
    told = {scan.key for scan in scans}
    counted: Counter[str] = Counter()
    found = []
    for scan in scans:
        key = _next(_joined(scan.courier, _NO_WALL, scan.carrier_code or scan.text), counted)
        brings = scan.moment.instant is not None and key not in told
        found.append(replace(scan, supersedes=key) if brings else scan)
    return found


def _next(stem: str, seen: Counter[str]) -> str:
    count = seen[stem] = seen.get(stem, 0) + 1
    return f"{stem}|{count}"


def _told(scan: Scan) -> tuple[str, str | None, str]:
    return scan.courier, scan.moment.wall, scan.carrier_code or scan.text


def _joined(courier: str, wall: str, word: str) -> str:
    plain = f"{courier}|{wall}|{' '.join(word.split())}"
    if len(plain) <= MAX_LENGTH - len("|1000"):
        return plain
    return f"{courier}|{wall}|sha256:{hashlib.sha256(plain.encode()).hexdigest()}"
