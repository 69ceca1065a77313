"""`python -m bench.freshness`: how soon a scan is known, by a fixed interval and by the schedule.

A simulation: parcels of `bench.lives` are watched for some days by `trackers.schedule`, within a quota of
calls a day that is shared out as the product shares it out (`carriers.budget`, `trackers.turns`), and at a
fixed interval that makes as many calls. Nothing is started and nothing is asked. The same seed gives the same
figures. The exit status is 0 whatever they are.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence

from bench.deliveries.figures import Finding, Wish, quantile
from bench.knowing import Paced, Watched, fixed
from bench.lives import DAY, HOUR, lives
from events.statuses import Milestone

#: The milestones that merchants wait for, and their goal: the median beside that of the fixed interval.
_WAITED_FOR = (Milestone.OUT_FOR_DELIVERY, Milestone.DELIVERED)
_GOAL = 0.5
_HEAD = ("scans", "fixed p50", "p95", "schedule p50", "p95", "ratio p50", "p95")
#: 247Express gives a key so many calls a day.
_QUOTA = 200_000
_PARCELS = 100_000


def main() -> int:
    """Simulate and print."""
    options = _options()
    quota = options.quota or max(1, _QUOTA * options.parcels // _PARCELS)
    parcels = lives(options.parcels, options.days, options.seed)
    ends = options.days * DAY
    paced = Paced(parcels, ends, quota, options.seed).watched()
    every, regular = fixed(parcels, ends, paced.calls)
    _say(
        f"{len(parcels):,} parcels in {options.days} days, at most {quota:,} calls a day, seed {options.seed}"
    )
    _say(f"  schedule  {paced.calls:>11,} calls, {paced.busiest_day:,} on the busiest day")
    _say(f"  fixed     {regular.calls:>11,} calls, one every {every / HOUR:.2f} h")
    for line in _lines(regular, paced):
        _say(line)
    return 0


def _lines(regular: Watched, paced: Watched) -> Iterator[str]:
    """The table, a row for each milestone that was reached, and what it says of those that are waited for."""
    yield ""
    yield _row("minutes until a scan is known", *_HEAD)
    findings: list[Finding] = []
    for milestone in Milestone:
        if not paced.delays[milestone]:
            continue
        old, new = _minutes(regular.delays[milestone]), _minutes(paced.delays[milestone])
        ratios = [after / max(before, 0.1) for before, after in zip(old, new, strict=True)]
        figures = [f"{minutes:,.0f}" for minutes in (*old, *new)]
        scans = f"{len(paced.delays[milestone]):,}"
        yield _row(milestone, scans, *figures, *(f"{ratio:.2f}" for ratio in ratios))
        if milestone in _WAITED_FOR:
            words = f"median of {milestone}, schedule / fixed"
            findings.append(Finding(words, ratios[0], Wish.AT_MOST, _GOAL))
    yield ""
    yield from map(str, findings)


def _row(name: str, *cells: str) -> str:
    return f"{name:30}" + "".join(f"{cell:>{len(head) + 3}}" for cell, head in zip(cells, _HEAD, strict=True))


def _minutes(delays: Sequence[float]) -> tuple[float, float]:
    return quantile(delays, 0.5) / 60, quantile(delays, 0.95) / 60


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.freshness", description=__doc__)
    parser.add_argument("--parcels", type=int, default=_PARCELS, help=f"{_PARCELS:,} by default")
    parser.add_argument("--days", type=int, default=14, help="14 by default")
    parser.add_argument("--quota", type=int, help="calls a day; 2 for each parcel by default")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
