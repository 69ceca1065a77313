"""How things went by the hour, as bars: drawn by the server, with a table that says the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from accounts.pages import Table, cells

#: Height of the drawing and width of a bar with its gap, in its own units.
HEIGHT, STEP = 100, 10
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour: what went well stands on the ground, what failed on top of it."""

    since: datetime
    good: int
    bad: int
    x: int
    good_height: int
    bad_height: int

    @property
    def bad_y(self) -> int:
        return HEIGHT - self.good_height - self.bad_height

    @property
    def good_y(self) -> int:
        return HEIGHT - self.good_height


@dataclass(frozen=True, slots=True)
class Bars:
    """Hours in a row, the newest last. `what` names what is counted; `table` has the hours that had any."""

    id: str
    title: str
    what: str
    bars: list[Bar]
    table: Table

    @property
    def width(self) -> int:
        return len(self.bars) * STEP

    @property
    def good(self) -> int:
        return sum(bar.good for bar in self.bars)

    @property
    def bad(self) -> int:
        return sum(bar.bad for bar in self.bars)

    @property
    def is_empty(self) -> bool:
        return not (self.good or self.bad)


def first_hour(hours: int) -> datetime:
    """When the first of so many hours begins, the present one being the last."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return now - (hours - 1) * HOUR


def bars(name: str, title: str, what: str, counts: Mapping[datetime, tuple[int, int]], hours: int) -> Bars:
    """Of so many hours up to now: what went well and what failed, by when the hour began."""
    first = first_hour(hours)
    most = max((sum(pair) for pair in counts.values()), default=0)
    drawn = []
    for nth in range(hours):
        since = first + nth * HOUR
        good, bad = counts.get(since, (0, 0))
        drawn.append(Bar(since, good, bad, nth * STEP, _height(good, most), _height(bad, most)))
    table = Table(
        id=f"{name}-hours",
        title=f"{title}, by the hour",
        headers=("Hour (UTC)", what.capitalize(), "Succeeded", "Failed"),
        rows=[
            cells([f"{bar.since:%Y-%m-%d %H:00}", bar.good + bar.bad, bar.good, bar.bad])
            for bar in reversed(drawn)
            if bar.good or bar.bad
        ],
        empty="None.",
    )
    return Bars(name, title, what, drawn, table)


def _height(count: int, most: int) -> int:
    """At least a line for what there is at all."""
    return max(2, round(count * HEIGHT * 0.96 / most)) if count else 0
