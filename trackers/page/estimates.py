"""When a parcel is expected, as far as its carriers say. Pure but for the clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from carriers.zones import zone_of
from events.statuses import Milestone
from trackers.page.languages import day

#: An en dash.
_TO = "\u2013"
_OVER = frozenset({Milestone.DELIVERED, Milestone.EXCEPTION})


@dataclass(frozen=True, slots=True)
class Estimate:
    """`when`, in words; `is_past` once that day is over at the destination."""

    when: str
    is_past: bool


def estimate_of(
    facts: Mapping[str, Any], milestone: str, destination: str | None, language: str
) -> Estimate | None:
    """The estimate in the language that is active; None where there is none, or it came."""
    begin, end = facts.get("estimatedFrom"), facts.get("estimatedTo")
    if milestone in _OVER or not (begin or end):
        return None
    latest: str = end or begin
    return Estimate(_when(begin, end, language), latest[:10] < _today(destination))


def _today(country: str | None) -> str:
    zone = zone_of(country) if country else None
    return timezone.now().astimezone(zone or UTC).date().isoformat()


def _when(begin: str | None, end: str | None, language: str) -> str:
    """One day, with its hours if they are told; or the first day and the last."""
    first, last = (_read(one) for one in (begin or end, end or begin))
    if first.date() != last.date():
        return f"{day(first.date(), language)} {_TO} {day(last.date(), language)}"
    hours = dict.fromkeys(f"{one:%H:%M}" for one in (first, last) if f"{one:%H:%M}" != "00:00")
    return ", ".join([day(last.date(), language), *([_TO.join(hours)] if hours else [])])


def _read(written: str | None) -> datetime:
    return datetime.fromisoformat(written or "")
