"""A parcel in the words of one language, ready for the template. Nothing here asks the database."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.utils.translation import gettext

from carriers.registry import adapters
from events.statuses import Milestone, StatusCode
from trackers.milestones import ScanEntry, Step, timeline
from trackers.page import localities
from trackers.page.estimates import Estimate, estimate_of
from trackers.page.finding import Parcel
from trackers.page.languages import day
from trackers.page.times import Told, told
from trackers.page.words import (
    AT_STATION,
    MILESTONES,
    NEUTRAL,
    PROBLEMS,
    RETURNED,
    SCANS,
    STATIONS,
    Saying,
    reason_of,
)
from trackers.presentation import shipment_facts


@dataclass(frozen=True, slots=True)
class Station:
    """One of the bar: `done`, `now` or `ahead`."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One scan of the timeline."""

    told: Told
    words: str
    place: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Day:
    """The scans of one day, newest first; `name` None: of no day that is known."""

    name: str | None
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a page says of a parcel. `mood`: `plain`, `good`, `care` or `bad`."""

    headline: str
    sentence: str
    mood: str
    reason: str | None
    is_stalled: bool
    stations: list[Station]
    estimate: Estimate | None
    number: str
    carriers: str
    days: list[Day]


_MOODS: Mapping[str, str] = {
    Milestone.DELIVERED: "good",
    Milestone.FAILED_ATTEMPT: "care",
    Milestone.AVAILABLE_FOR_PICKUP: "care",
    Milestone.EXCEPTION: "bad",
}


def show(parcel: Parcel, language: str) -> Shown:
    """The parcel in the language that is active, which is this one."""
    steps = timeline(parcel.state["scans"])
    standing = next((step.scan for step in reversed(steps) if step.sets), None)
    facts = shipment_facts(parcel.state)
    origin = facts.get("originCountryCode") or parcel.origin_country_code
    destination = facts.get("destinationCountryCode") or parcel.destination_country_code
    saying = _saying(parcel.milestone, standing)
    return Shown(
        headline=gettext(saying.headline),
        sentence=gettext(saying.sentence),
        mood=_MOODS.get(parcel.milestone, "plain"),
        reason=_reason(standing) if standing else None,
        is_stalled=parcel.stalled_at is not None,
        stations=list(_stations(parcel.milestone, steps)),
        estimate=estimate_of(facts, parcel.milestone, destination, language),
        number=parcel.tracking_number,
        carriers=_carriers(steps),
        days=_days((_entry(step, origin, destination, language) for step in _told(steps)), language),
    )


def _saying(milestone: str, standing: ScanEntry | None) -> Saying:
    if milestone != Milestone.EXCEPTION or standing is None:
        return MILESTONES[milestone]
    if _is_returned(standing):
        return RETURNED
    return PROBLEMS.get(standing["statusCode"], MILESTONES[milestone])


def _is_returned(scan: ScanEntry) -> bool:
    return bool(scan["statusCode"] == StatusCode.EXCEPTION_RETURN and scan["final"])


def _stations(milestone: str, steps: Iterable[Step]) -> Iterator[Station]:
    """A parcel in trouble stays at the last station that it reached."""
    reached = [_station(step.milestone) for step in steps]
    trouble = milestone == Milestone.EXCEPTION
    at = (
        max([one for one in reached if one < len(STATIONS) - 1], default=-1)
        if trouble
        else _station(milestone)
    )
    for nth, station in enumerate(STATIONS):
        here = nth == at
        name = milestone if here and milestone in AT_STATION else station
        state = "done" if nth < at or (here and trouble) else "now" if here else "ahead"
        yield Station(gettext(MILESTONES[name].headline), state)


def _station(milestone: str) -> int:
    station = AT_STATION.get(milestone, milestone)
    return STATIONS.index(station) if station in STATIONS else -1


def _told(steps: Iterable[Step]) -> list[Step]:
    """Newest first, without what an end has overruled: to a shopper it would contradict the end."""
    return [step for step in steps if step.sets or step.scan["statusMilestone"] is None][::-1]


def _entry(step: Step, origin: str | None, destination: str | None, language: str) -> Entry:
    scan = step.scan
    country = localities.country_in(scan["location"], origin, destination)
    return Entry(
        told=told(scan, country),
        words=gettext(_words(scan)),
        place=_place(scan["location"], country, language),
        reason=_reason(scan),
    )


def _words(scan: ScanEntry) -> str:
    if _is_returned(scan):
        return RETURNED.headline
    milestone = scan["statusMilestone"]
    return SCANS.get(scan["statusCode"]) or (MILESTONES[milestone].headline if milestone else NEUTRAL)


def _reason(scan: ScanEntry) -> str | None:
    words = reason_of(scan["courierCode"], scan["reason"])
    return gettext(words) if words else None


def _place(location: str | None, country: str | None, language: str) -> str | None:
    """A place that is not named is not made up: then its country is not told either."""
    if not location:
        return None
    town = localities.town_of(location)
    names = [
        localities.town_name(town, language) if town else None,
        localities.country_name(country, language) if country else None,
    ]
    return ", ".join(dict.fromkeys(filter(None, names))) or None


def _carriers(steps: Iterable[Step]) -> str:
    """The names of couriers that told anything."""
    known: Mapping[str, Any] = adapters()
    codes = dict.fromkeys(step.scan["courierCode"] for step in steps)
    return ", ".join(known[code].name for code in codes if code in known)


def _days(entries: Iterable[Entry], language: str) -> list[Day]:
    return [
        Day(day(of, language) if of else None, list(of_day))
        for of, of_day in groupby(entries, key=lambda entry: entry.told.day)
    ]
