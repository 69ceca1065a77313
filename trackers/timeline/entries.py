"""What stands in the timeline, and where."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import reverse

_WRITTEN = re.compile(r"(\d{1,17})\.([0-4])\.([0-9a-f-]{1,36})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


class Kind(IntEnum):
    """Of two entries of one moment the greater is the newer."""

    EVENT = 0
    OUTCOME = 1
    MESSAGE = 2
    DELIVERY = 3
    ATTEMPT = 4


#: Their rows are numbered; the others' ids are UUIDs.
_NUMBERED = frozenset({Kind.EVENT, Kind.OUTCOME})


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an entry stands: its moment, its kind, and what tells it from others of that moment and kind."""

    at: datetime
    kind: Kind
    ordinal: int | UUID

    def __str__(self) -> str:
        """As links have it."""
        return f"{(self.at - _EPOCH) // _TICK}.{self.kind:d}.{self.ordinal}"

    @classmethod
    def read(cls, text: str) -> "Place":
        """Raises ValueError for what is no place."""
        found = _WRITTEN.fullmatch(text)
        if not found:
            raise ValueError(text)
        kind = Kind(int(found[2]))
        ordinal = int(found[3]) if kind in _NUMBERED else UUID(found[3])
        return cls(_EPOCH + int(found[1]) * _TICK, kind, ordinal)


def older(than: Place | None, kind: Kind, moment: str, ordinal: str) -> Q:
    """Condition of rows of this kind that stand below a place, by the names of two of their columns."""
    if than is None:
        return Q()
    if kind != than.kind:
        return Q(**{f"{moment}__lte" if kind < than.kind else f"{moment}__lt": than.at})
    tie = Q(**{moment: than.at, f"{ordinal}__lt": than.ordinal})
    return Q(**{f"{moment}__lt": than.at}) | tie


@dataclass(frozen=True, slots=True)
class Said:
    """What the carrier said of a scan: its entry as JSON, "" where nobody can say which, and the answer."""

    fields: str
    answer: int

    @property
    def href(self) -> str:
        """Where staff see the whole of it."""
        return reverse("admin:trackers_rawanswer_change", args=[self.answer])


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened. `model` (`app_model`) and `pk` name the row that has more about it.

    `tone` is "good", "bad" or "". `scan` is what the log holds of a scan. `moved_to`: the milestone to which
    what happened here moved the parcel.
    """

    place: Place
    label: str
    title: str
    facts: Sequence[tuple[str, str]] = ()
    tone: str = ""
    model: str = ""
    pk: str = ""
    scan: Mapping[str, Any] | None = None
    said: Said | None = None
    moved_to: str = ""

    @property
    def href(self) -> str:
        """Where staff see that row; empty: there is none."""
        return reverse(f"admin:{self.model}_change", args=[self.pk]) if self.model else ""
