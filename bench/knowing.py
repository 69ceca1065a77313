"""Parcels watched in two ways, for `bench.freshness`: at a fixed interval, and by the schedule in a budget.

Both give, of every scan that happens, the seconds until it is known. Calls take no time and never fail. What
is not known when the simulation ends counts as known then.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random

from bench.lives import DAY, START, Life, Sighting
from carriers.budget import Use, room
from carriers.days import Day
from carriers.outcome import Outcome
from events.statuses import Milestone
from trackers.schedule import SPREAD, Decision, Situation, Urgency, decide
from trackers.turns import shares

#: Seconds between two looks at what is due.
SLOT = 60.0
Delays = dict[Milestone, list[float]]


@dataclass
class Watched:
    """What watching cost, and how late each scan became known, in seconds, by its milestone."""

    calls: int = 0
    busiest_day: int = 0
    delays: Delays = field(default_factory=lambda: {milestone: [] for milestone in Milestone})

    def count(self, scans: Iterable[Sighting], known: float) -> None:
        """Note scans that become known now."""
        for scan in scans:
            self.delays[scan.milestone].append(known - scan.at)


def fixed(lives: Sequence[Life], ends: float, calls: int) -> tuple[float, Watched]:
    """Ask every parcel at one interval, the longest that makes at least so many calls, until its last word.

    It asks at once when a tracker is made, never has to wait its turn, and spends nothing after the last
    word. Returns the interval too.
    """
    short, long = 60.0, 30 * DAY
    while long - short > 1:
        middle = (short + long) / 2
        short, long = (middle, long) if _calls(lives, ends, middle) >= calls else (short, middle)
    watched = Watched(calls=_calls(lives, ends, short))
    for life in lives:
        for scan in life.scans:
            if scan.at < ends:
                since = max(scan.at - life.made, 0.0)
                known = life.made - (-since // short) * short
                watched.count([scan], min(known, ends))
    return short, watched


def _calls(lives: Iterable[Life], ends: float, every: float) -> int:
    return sum(_polls(life, ends, every) for life in lives if life.made < ends)


def _polls(life: Life, ends: float, every: float) -> int:
    """The first one at once, the last one that which hears the last word, or the last before the end."""
    until_end = (ends - life.made) // every
    said = next((scan.at for scan in life.scans if scan.final), ends)
    return 1 + int(min(-(-max(said - life.made, 0.0) // every), until_end))


class _Known:
    """One parcel as far as it is known."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.scans = 0
        self.heard = life.made
        self.stalled = False
        self.urgency = Urgency.ASKED

    def learn(self, at: float) -> Sequence[Sighting]:
        """Ask now: the scans that were not known."""
        news: list[Sighting] = []
        for scan in self.life.scans[self.scans :]:
            if scan.at > at:
                break
            news.append(scan)
        if news:
            self.scans += len(news)
            self.heard, self.stalled = at, False
        return news

    def decide(self, at: float, *, news: bool) -> Decision:
        """The next poll, as after a real one."""
        life = self.life
        last = life.scans[self.scans - 1] if self.scans else None
        day, seconds = divmod(at + life.offset, DAY)
        expected = life.expected if last and last.at >= life.expected_with else None
        return decide(
            Situation(
                Outcome.OK if news else Outcome.UNCHANGED if last else Outcome.NOT_FOUND,
                last.milestone if last else Milestone.PENDING,
                timedelta(seconds=at - self.heard),
                final=last is not None and last.final,
                age=timedelta(seconds=at - life.made),
                stalled=self.stalled,
                time_of_day=timedelta(seconds=seconds),
                days_late=None if expected is None else int(day) - expected,
            )
        )


class Paced:
    """Parcels watched by `trackers.schedule`; `quota` calls a day are shared out as a carrier account's."""

    def __init__(self, lives: Sequence[Life], ends: float, quota: int, seed: int) -> None:
        self._ends = ends
        self._quota = quota
        self._drawn = Random(seed)  # noqa: S311 (a simulation)
        self._later = [(life.made, nth) for nth, life in enumerate(lives) if life.made < ends]
        heapq.heapify(self._later)
        self._known = [_Known(life) for life in lives]
        self._ready: dict[int, deque[tuple[float, int]]] = {urgency.value: deque() for urgency in Urgency}
        self._watched = Watched()

    def watched(self) -> Watched:
        """Run it to its end."""
        reserved, served, today = 0, None, None
        for at in _slots(self._later[0][0], self._ends):
            now = START + timedelta(seconds=at)
            if now.date() != today:
                today, reserved = now.date(), 0
            self._fall_due(at + SLOT)
            left = room(_day(today), now, (Use(reserved, self._quota),), calls=1, served=served)
            due = {urgency: len(waiting) for urgency, waiting in self._ready.items()}
            for urgency, calls in shares(due, sum(due.values()), left, turn=reserved).items():
                self._ask(urgency, calls, at)
                reserved, served = reserved + calls, now if calls else served
            self._watched.busiest_day = max(self._watched.busiest_day, reserved)
        for known in self._known:
            never = [scan for scan in known.life.scans[known.scans :] if scan.at < self._ends]
            self._watched.count(never, self._ends)
        return self._watched

    def _fall_due(self, until: float) -> None:
        while self._later and self._later[0][0] < until:
            due, nth = heapq.heappop(self._later)
            self._ready[self._known[nth].urgency].append((due, nth))

    def _ask(self, urgency: int, calls: int, slot: float) -> None:
        waiting = self._ready[urgency]
        for _ in range(calls):
            due, nth = waiting.popleft()
            at, known = max(due, slot), self._known[nth]
            news = known.learn(at)
            self._watched.count(news, at)
            decision = known.decide(at, news=bool(news))
            known.urgency = known.urgency if decision.urgency is None else decision.urgency
            known.stalled = known.stalled or decision.stalled
            if decision.delay is not None:
                spread = self._drawn.uniform(1, 1 + SPREAD)
                heapq.heappush(self._later, (at + decision.delay.total_seconds() * spread, nth))
        self._watched.calls += calls


def _slots(begins: float, ends: float) -> Iterator[float]:
    """The looks at what is due. The first second of a day is nobody's: carriers' clocks differ."""
    at = begins // SLOT * SLOT + SLOT / 2
    while at < ends:
        yield at
        at += SLOT


@cache
def _day(today: date) -> Day:
    begins = datetime(today.year, today.month, today.day, tzinfo=UTC)
    return Day("bench", today, begins, begins + timedelta(days=1))
