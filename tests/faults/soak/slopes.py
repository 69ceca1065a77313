"""Whether something grows with time: the slope of many short series together, and how sure it is.

Each series is one life of one process. Slopes are taken between points of the same life alone (the seasonal
Kendall test of Hirsch, Slack and Smith, 1982, with lives for seasons; the slope is Sen's), so that a process
which is started anew, and begins at a level of its own, is no growth. Nothing is assumed of how noise is
distributed; single outliers do not move it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

#: Standard errors on each side of the slope: 95 % of cases.
_SURE = 1.96

#: Moment in seconds, value.
Point = tuple[float, float]
Series = Sequence[Point]


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth in an hour, as a share of the usual value: 0.02 is 2 %. `lowest` to `highest`: 95 % sure.

    `hours` is how long was looked at, all series together; `points` of how many.
    """

    an_hour: float
    lowest: float
    highest: float
    hours: float
    points: int


def slope(series: Iterable[Series]) -> Slope | None:
    """None where there is too little to say anything: no series with three points, or no time in it."""
    used = [sorted(one) for one in series if len(one) > 2]
    rises = sorted(rise for one in used for rise in _rises(one))
    values = [value for one in used for _, value in one]
    if not rises or not median(values):
        return None
    spread = _SURE * math.sqrt(sum(_variance(one) for one in used))
    middle = len(rises) / 2
    share = 3600 / median(values)
    return Slope(
        an_hour=share * median(rises),
        lowest=share * _at(rises, middle - spread / 2),
        highest=share * _at(rises, middle + spread / 2),
        hours=sum(one[-1][0] - one[0][0] for one in used) / 3600,
        points=len(values),
    )


def _rises(one: Series) -> Iterable[float]:
    """Between each two points: by how much a second."""
    for nth, (moment, value) in enumerate(one):
        for later, reached in one[nth + 1 :]:
            if later > moment:
                yield (reached - value) / (later - moment)


def _variance(one: Series) -> float:
    """Of Kendall's score, were there no growth: values that come more than once say less."""
    ties: dict[float, int] = {}
    for _, value in one:
        ties[value] = ties.get(value, 0) + 1
    return float(_weight(len(one)) - sum(map(_weight, ties.values()))) / 18


def _weight(count: int) -> int:
    return count * (count - 1) * (2 * count + 5)


def _at(ordered: Sequence[float], place: float) -> float:
    return ordered[min(max(round(place), 0), len(ordered) - 1)]
