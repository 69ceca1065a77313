"""Bars by hour, in the form that unfold's chart component takes, and the same figures as a table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.rollups import HOURS

#: Colours of unfold's, by what a bar means.
COLOURS = {
    "plain": "var(--color-primary-500)",
    "good": "var(--color-green-600)",
    "bad": "var(--color-red-500)",
}


@dataclass(frozen=True, slots=True)
class Series:
    """Bars of one colour: a number by the beginning of its hour; an hour that is not there has none."""

    name: str
    colour: str
    by_hour: Mapping[datetime, int]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a template shows of it. `data` is JSON for Chart.js; `label` says the figures in a sentence."""

    data: str
    label: str
    legend: list[tuple[str, str]]
    table: dict[str, Any]


def hours_until(now: datetime) -> list[datetime]:
    """The beginnings of the hours that pages show, the oldest first."""
    last = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return [last - timedelta(hours=back) for back in reversed(range(HOURS))]


def by_hour(title: str, series: Sequence[Series], now: datetime) -> Chart:
    """Bars that stand on each other, hour by hour up to the one that runs. Hours are those of UTC."""
    hours = hours_until(now)
    names = [f"{hour:%H}:00" for hour in hours]
    values = [[one.by_hour.get(hour, 0) for hour in hours] for one in series]
    sums = [f"{one.name} {sum(numbers):,}" for one, numbers in zip(series, values, strict=True)]
    rows = [
        [f"{hour:%d %B, %H}:00", *(f"{numbers[nth]:,}" for numbers in values)]
        for nth, hour in enumerate(hours)
    ]
    return Chart(
        data=json.dumps({"labels": names, "datasets": list(map(_bars, series, values))}),
        label=f"{title} in the last {HOURS} hours: {', '.join(sums)}.",
        legend=[(one.colour, sums[nth]) for nth, one in enumerate(series)],
        table={"headers": ["Hour (UTC)", *(one.name for one in series)], "rows": rows[::-1]},
    )


def _bars(series: Series, numbers: list[int]) -> dict[str, Any]:
    return {
        "label": series.name,
        "data": numbers,
        "backgroundColor": COLOURS[series.colour],
        "stack": "one",
        "maxBarThickness": 16,
        "borderRadius": 2,
        "displayYAxis": True,
        "maxTicksXLimit": 8,
    }
