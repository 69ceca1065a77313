"""When a parcel is expected, as far as its carriers say. Pure but for the clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django.utils import timezone

from carriers.zones import zone_of
from events.statuses import Milestone
from trackers.page.languages import day
from trackers.page.times import on_clock_of

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
    told = [one for one in (facts.get("estimatedFrom"), facts.get("estimatedTo")) if one]
    if milestone in _OVER or not told:
        return None
    first, last = (_there(one, destination) for one in (told[0], told[-1]))
    return Estimate(_when(first, last, language), last.date() < _today(destination))


def _today(country: str | None) -> date:
    zone = zone_of(country) if country else None
    return timezone.now().astimezone(zone or UTC).date()


def _when(begin: datetime, end: datetime, language: str) -> str:
    """One day, with its hours if they are told; or the first day and the last."""
    if begin.date() != end.date():
        return f"{day(begin.date(), language)} {_TO} {day(end.date(), language)}"
    hours = dict.fromkeys(f"{one:%H:%M}" for one in (begin, end) if one.time() != time.min)
    return ", ".join([day(end.date(), language), *([_TO.join(hours)] if hours else [])])


def _there(written: str, country: str | None) -> datetime:
    """On the clock of the destination: what is told in UTC is a day alone where that clock is not known."""
    moment = datetime.fromisoformat(written)
    if not written.endswith("Z"):
        return moment
    there, is_utc = on_clock_of(country, moment)
    return datetime.combine(moment.date(), time.min) if is_utc else there
