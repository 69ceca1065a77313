"""`python -m bench.freshness`: how soon a scan is known, by a fixed interval and by the schedule.

A simulation: parcels of `bench.lives` are watched for some days by `trackers.schedule`, within a quota of
calls a day that is shared out as the product shares it out (`carriers.budget`, `trackers.turns`), and at a
fixed interval that makes as many calls. Nothing is started and nothing is asked. The same seed gives the same
figures. The exit status is 0 whatever they are.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from bench.deliveries.figures import Finding, Side, Table, Wish, quantile, ratio
from bench.knowing import Paced, Watched, fixed
from bench.lives import DAY, HOUR, lives
from bench.rows import takes_a_file, tell
from bench.turns import say
from events.statuses import Milestone

#: The milestones that merchants wait for, and their goal: the median beside that of the fixed interval.
_WAITED_FOR = (Milestone.OUT_FOR_DELIVERY, Milestone.DELIVERED)
_GOAL = 0.5
_HEAD = ("scans of", "how many", "fixed p50", "p95", "schedule p50", "p95", "ratio p50", "p95")
#: Calls a day for each parcel: as 247Express gives a key; more than the schedule wants; a quarter of that.
_QUOTAS = (2.0, 10.0, 1.0)
_PARCELS = 100_000


def main() -> int:
    """Simulate and print."""
    options = _options()
    quotas = [options.quota] if options.quota else [max(1, round(options.parcels * each)) for each in _QUOTAS]
    say(f"{options.parcels:,} parcels in {options.days} days, seed {options.seed}")
    with ProcessPoolExecutor() as side_by_side:
        work = partial(_watched, options.parcels, options.days, options.seed)
        tables = dict(zip(map(_name, quotas), side_by_side.map(work, quotas), strict=True))
    for name, table in tables.items():
        say(f"\nminutes until a scan is known, {name}")
        for line in table.grid:
            say(f"  {line[0]:24}" + "".join(f"{cell:>14}" for cell in line[1:]))
    tell(tables, options.json)
    return 0


def _name(quota: int) -> str:
    return f"{quota:,} calls a day"


def _watched(many: int, days: int, seed: int, quota: int) -> Table:
    """Parcels in both ways."""
    parcels = lives(many, days, seed)
    ends = days * DAY
    paced = Paced(parcels, ends, quota, seed).watched()
    every, regular = fixed(parcels, ends, paced.calls)
    sides = {
        "calls, schedule": Side("in all", [float(paced.calls)]),
        "calls, busiest day": Side("calls", [float(paced.busiest_day)]),
        "calls, fixed": Side("in all", [float(regular.calls)]),
        "hours of the fixed interval": Side("hours", [every / HOUR]),
    }
    return _table(sides, regular, paced)


def _table(sides: dict[str, Side], regular: Watched, paced: Watched) -> Table:
    """A line for each milestone that was reached, and what it says of those that are waited for."""
    calls = [f"{name}: {side.median:,.{0 if side.median > 100 else 2}f}" for name, side in sides.items()]
    grid: list[tuple[str, ...]] = [_HEAD]
    findings = []
    for milestone in Milestone:
        if not paced.delays[milestone]:
            continue
        old, new = _minutes(regular.delays[milestone]), _minutes(paced.delays[milestone])
        ratios = [after / max(before, 0.1) for before, after in zip(old, new, strict=True)]
        figures = [f"{minutes:,.0f}" for minutes in (*old, *new)]
        scans = f"{len(paced.delays[milestone]):,}"
        grid.append((milestone.value, scans, *figures, *(f"{one:.2f}" for one in ratios)))
        sides |= {
            f"{milestone}, {way}, {share}": Side("minutes", [minutes])
            for way, found in (("fixed", old), ("schedule", new))
            for share, minutes in zip(("p50", "p95"), found, strict=True)
        }
        if milestone in _WAITED_FOR:
            findings.append(_finding(sides, milestone))
    return Table(sides, findings, grid=grid, caption="; ".join(calls))


def _finding(sides: dict[str, Side], milestone: Milestone) -> Finding:
    names = (f"{milestone}, schedule, p50", f"{milestone}, fixed, p50")
    return ratio(sides, *names, Wish.AT_MOST, _GOAL, f"median of {milestone}, schedule / fixed")


def _minutes(delays: Sequence[float]) -> tuple[float, float]:
    return quantile(delays, 0.5) / 60, quantile(delays, 0.95) / 60


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.freshness", description=__doc__)
    parser.add_argument("--parcels", type=int, default=_PARCELS, help=f"{_PARCELS:,} by default")
    parser.add_argument("--days", type=int, default=14, help="14 by default")
    parser.add_argument("--quota", type=int, help="calls a day; 2, 10 and 1 for each parcel by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="only whether the bench works")
    takes_a_file(parser)
    options = parser.parse_args()
    if options.quick:
        options.parcels = 2_000
    return options


if __name__ == "__main__":
    sys.exit(main())
