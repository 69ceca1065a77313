"""Times as pages tell them: on the clock of the place, and no surer than the carrier was. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from carriers.snapshot import Certainty
from carriers.zones import only_zone_of


@dataclass(frozen=True, slots=True)
class Told:
    """A moment on the clock of its place. Without a `day` there is none; `zone` is UTC where it is not."""

    day: date | None = None
    time: str | None = None
    zone: str | None = None
    #: For the `datetime` attribute of HTML's `time`.
    written: str | None = None


def told(scan: dict[str, Any], country: str | None) -> Told:
    """When a scan was, at a place in this country, as far as both are known.

    What a carrier wrote in UTC is put on the country's clock where all its clocks show one time; else it
    stays UTC, and says so.
    """
    written: str | None = scan["occurrenceDatetime"]
    if written is None:
        return Told()
    if scan["timeCertainty"] == Certainty.DATE_ONLY or len(written) <= len("2026-03-01"):
        return Told(day=date.fromisoformat(written[:10]), written=written[:10])
    moment, zone = datetime.fromisoformat(written), None
    if scan["timeCertainty"] == Certainty.EXACT:
        moment, zone = on_clock_of(country, moment)
    return Told(moment.date(), f"{moment:%H:%M}", zone, moment.isoformat(timespec="seconds"))


def on_clock_of(country: str | None, moment: datetime) -> tuple[datetime, str | None]:
    """The moment on the one clock of a country; where there is none, in UTC, and that it is so."""
    place = only_zone_of(country) if country else None
    try:
        return (moment.astimezone(place), None) if place else (moment.astimezone(UTC), "UTC")
    except OverflowError:
        return moment, "UTC"
