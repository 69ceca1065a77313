"""How parcels live, for `bench.freshness`: announced, sorted, carried out, handed over. Seeded.

Every hour is one at the destination. Nobody hands over or delivers on Sundays. What is drawn, and how often:

- A merchant makes its tracker between 8 and 22 h, most often about 14 h. The carrier tells of 85 % of the
  parcels before it has them, after 3 hours on average. 3 % never reach it.
- It takes the others between 14 and 19 h: 35 % on the day of the tracker, 45 % a day later, the rest after up
  to 4 days.
- 75 % stay in the country: 1 to 4 days, one or two scans every night. The rest takes 5 to 14 days, with a
  scan at the export hub, at the departure, at the arrival and out of customs, and days of silence between.
- On the day of delivery 80 % are scanned at the depot between 2 and 6 h, and 92 % go out between 5 and 11
  h, most of them shortly before 8. The driver is there between 9 and 20 h, most often about 12:30.
- There 88 % are delivered and 9 % are not: of those two in three the next day, and the others wait in a
  shop, as 3 % do at once. From there most are fetched within 2 days; 5 % are returned after 10.
- Of those in the country 1 % is damaged or wrongly addressed and goes on a day later. Of all 1 % is lost at
  some point, and never heard of again.
- Of 65 % the carrier says on taking them which day it will be: 75 % of these days are right, 15 % a day
  too early, 10 % a day too late.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from carriers.zones import zone_of
from events.statuses import Milestone

#: The instant, a midnight in UTC and a Monday, that all times here are seconds from.
START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
#: Where parcels go, and how many of a hundred.
COUNTRIES = {"DE": 18, "US": 18, "GB": 12, "FR": 10, "VN": 10, "TH": 8, "JP": 8, "BR": 6, "IN": 6, "AU": 4}
_SUNDAY = 6
_SHOP_DAYS = 10.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """One scan: when it happens, and what it makes of the parcel."""

    at: float
    milestone: Milestone
    final: bool = False


@dataclass(frozen=True, slots=True)
class Life:
    """A parcel: when its tracker is made, its scans in order, and the day on which it is expected.

    `offset` are the seconds that clocks at the destination are ahead of UTC; `expected` is a day there,
    counted from START, which the scan at `expected_with` tells.
    """

    made: float
    offset: float
    scans: tuple[Sighting, ...]
    expected: int | None
    expected_with: float


def lives(parcels: int, days: int, seed: int) -> list[Life]:
    """So many parcels whose trackers are made within so many days."""
    drawn = Random(seed)  # noqa: S311 (a simulation)
    return [_life(drawn, days) for _ in range(parcels)]


def _life(drawn: Random, days: int) -> Life:
    (country,) = drawn.choices(list(COUNTRIES), list(COUNTRIES.values()))
    made = drawn.randrange(days) * DAY + drawn.triangular(8, 22, 14) * HOUR
    parcel = _Parcel(drawn, made)
    taken = parcel.travels()
    offset = _ahead(country)
    expected = None
    if parcel.delivery_day is not None and drawn.random() < 0.65:
        expected = parcel.delivery_day + drawn.choices((0, -1, 1), (75, 15, 10))[0]
    scans = sorted(parcel.scans, key=lambda scan: scan.at)
    if drawn.random() < 0.01:
        scans = scans[: drawn.randrange(len(scans) + 1)]
    return Life(
        made - offset,
        offset,
        tuple(Sighting(one.at - offset, one.milestone, one.final) for one in scans),
        expected,
        taken - offset,
    )


def _ahead(country: str) -> float:
    zone = zone_of(country)
    ahead = START.astimezone(zone).utcoffset() if zone else None
    return ahead.total_seconds() if ahead else 0.0


class _Parcel:
    """One parcel while its life is drawn, all of it in local time."""

    def __init__(self, drawn: Random, made: float) -> None:
        self.drawn = drawn
        self.made = made
        self.scans: list[Sighting] = []
        self.delivery_day: int | None = None

    def travels(self) -> float:
        """Draw all of its scans. Returns when the carrier takes it."""
        drawn = self.drawn
        if drawn.random() < 0.85:
            self._seen(self.made + drawn.expovariate(1 / 3) * HOUR, Milestone.INFO_RECEIVED)
        if drawn.random() < 0.03:
            return self.made
        later = drawn.choices((0, 1, 2, 3, 4), (35, 45, 12, 4, 4))[0]
        taken = self._at(int(self.made // DAY) + later, 14, 19, 17)
        if taken < self.made + HOUR:
            taken = self._at(int(self.made // DAY) + 1, 14, 19, 17)
        self._seen(taken, Milestone.IN_TRANSIT)
        arrives = self._within_the_country(taken) if drawn.random() < 0.75 else self._abroad(taken)
        self.delivery_day = _working(arrives)
        self._is_carried_out(self.delivery_day)
        return taken

    def _within_the_country(self, taken: float) -> int:
        first = int(taken // DAY)
        day = _working(first + self.drawn.choices((1, 2, 3, 4), (55, 30, 10, 5))[0])
        for night in range(first, day):
            for _ in range(self.drawn.choice((1, 2))):
                self._seen(night * DAY + self.drawn.uniform(21, 28) * HOUR, Milestone.IN_TRANSIT)
        if self.drawn.random() < 0.01:
            self._seen(day * DAY + self.drawn.uniform(6, 12) * HOUR, Milestone.EXCEPTION)
            day += 1
        return day

    def _abroad(self, taken: float) -> int:
        day = int(taken // DAY)
        nights = sorted(self.drawn.sample(range(1, 14), 4))
        for night in nights:
            at = (day + night) * DAY + self.drawn.uniform(0, 24) * HOUR
            self._seen(at, Milestone.IN_TRANSIT)
        return day + nights[-1] + self.drawn.choice((1, 2))

    def _is_carried_out(self, day: int, *, again: bool = False) -> None:
        drawn = self.drawn
        if drawn.random() < 0.8:
            self._seen(day * DAY + drawn.uniform(2, 6) * HOUR, Milestone.IN_TRANSIT)
        if drawn.random() < 0.92:
            hour = min(max(drawn.gauss(7.75, 1), 5), 11)
            self._seen(max(day * DAY + hour * HOUR, self._last + MINUTE), Milestone.OUT_FOR_DELIVERY)
        at = max(self._at(day, 9, 20, 12.5), self._last + HOUR / 2)
        ends = drawn.random()
        if ends < (0.65 if again else 0.88):
            self._seen(at, Milestone.DELIVERED, final=True)
        elif ends < 0.97 and not again:
            self._seen(at, Milestone.FAILED_ATTEMPT)
            self._is_carried_out(_working(day + 1), again=True)
        else:
            self._waits_in_a_shop(at)

    def _waits_in_a_shop(self, at: float) -> None:
        self._seen(at, Milestone.AVAILABLE_FOR_PICKUP)
        if self.drawn.random() < 0.05:
            self._seen(at + _SHOP_DAYS * DAY, Milestone.EXCEPTION, final=True)
            return
        day = int(at // DAY) + min(int(self.drawn.expovariate(1 / 1.5)), 8)
        fetched = max(self._at(_working(day), 9, 20, 17), at + HOUR)
        self._seen(fetched, Milestone.DELIVERED, final=True)

    @property
    def _last(self) -> float:
        return max(scan.at for scan in self.scans)

    def _at(self, day: int, first: float, last: float, mostly: float) -> float:
        return _working(day) * DAY + self.drawn.triangular(first, last, mostly) * HOUR

    def _seen(self, at: float, milestone: Milestone, *, final: bool = False) -> None:
        self.scans.append(Sighting(at, milestone, final))


def _working(day: int) -> int:
    return day + 1 if day % 7 == _SUNDAY else day
