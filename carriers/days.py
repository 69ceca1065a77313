"""The days in which a carrier counts calls: from midnight to midnight at its home. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from carriers.registry import adapters

#: Nothing starts within so long of midnight there: the carrier's clock may be a little ahead, or behind.
MARGIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a courier, from the instant it begins to the instant it ends."""

    courier: str
    date: date
    begins: datetime
    ends: datetime

    @property
    def closes(self) -> datetime:
        """The instant from which on no call of this day starts."""
        return self.ends - MARGIN

    def is_open(self, now: datetime) -> bool:
        """Whether calls of this day may start."""
        return self.begins + MARGIN <= now < self.closes

    def share_gone(self, now: datetime) -> float:
        """From 0 at its midnight to 1 at the next, be it 23 hours long or 25."""
        share = (now - self.begins) / (self.ends - self.begins)
        return min(max(share, 0.0), 1.0)


def around(now: datetime) -> list[Day]:
    """Yesterday, today and tomorrow of every courier: one of them holds the present, by any honest clock."""
    homes = [(code, ZoneInfo(one.time_zone)) for code, one in adapters().items()]
    return [day for code, home in homes for day in _three(code, home, now.astimezone(home).date())]


def today(courier: str, now: datetime) -> Day | None:
    """The day of a courier that an instant falls in; None for one that there is no adapter for."""
    days = (day for day in around(now) if day.courier == courier)
    return next((day for day in days if day.begins <= now < day.ends), None)


@lru_cache(maxsize=64)
def _three(courier: str, home: ZoneInfo, middle: date) -> tuple[Day, ...]:
    dates = [middle + timedelta(days=n) for n in (-1, 0, 1, 2)]
    bounds = [datetime(one.year, one.month, one.day, tzinfo=home).astimezone(UTC) for one in dates]
    return tuple(Day(courier, dates[n], bounds[n], bounds[n + 1]) for n in range(3))
