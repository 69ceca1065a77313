"""When to ask a carrier next, and when no more. Pure: docs/polling.md holds the same tables.

Nothing is decided elsewhere: `trackers.deciding` brings what the database knows into a `Situation`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from itertools import count
from typing import NamedTuple

from carriers.outcome import Outcome
from events.statuses import Milestone

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_FOREVER = timedelta.max


class Urgency(IntEnum):
    """What is asked first of all that is due, where not everything can be."""

    #: Asked for by hand, or never asked about yet.
    ASKED = 0
    #: Out for delivery, or expected today.
    DUE = 1
    #: On its way, and seen not long ago.
    MOVED = 2
    REST = 3


class Pace(NamedTuple):
    """While a parcel has been silent for less than `below`, ask every so often, by the part of the day.

    The hours are those at the destination; where they are not known, it is day.
    """

    below: timedelta
    morning: timedelta
    day: timedelta
    night: timedelta


#: Where the parts of the day begin. In the morning vans are loaded, and most parcels go out for delivery.
PARTS_BEGIN = MORNING, DAY, NIGHT = 5 * _HOUR, 11 * _HOUR, 21 * _HOUR

# The parts of a day from midnight on, with the field of `Pace` that counts in them.
_MORNING, _DAYTIME, _NIGHT = 1, 2, 3
_PARTS = (
    (timedelta(), MORNING, _NIGHT),
    (MORNING, DAY, _MORNING),
    (DAY, NIGHT, _DAYTIME),
    (NIGHT, _DAY, _NIGHT),
)

CADENCE: Mapping[Milestone, tuple[Pace, ...]] = {
    # Not found yet: silence is the time since the tracker was made.
    Milestone.PENDING: (
        Pace(6 * _HOUR, _HOUR, _HOUR, 3 * _HOUR),
        Pace(_DAY, 2 * _HOUR, 2 * _HOUR, 6 * _HOUR),
        Pace(3 * _DAY, 4 * _HOUR, 4 * _HOUR, 8 * _HOUR),
        Pace(_FOREVER, 8 * _HOUR, 8 * _HOUR, 12 * _HOUR),
    ),
    # Carriers collect in the afternoon.
    Milestone.INFO_RECEIVED: (
        Pace(2 * _DAY, 4 * _HOUR, 2 * _HOUR, 6 * _HOUR),
        Pace(_FOREVER, 6 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    ),
    Milestone.IN_TRANSIT: (
        Pace(2 * _DAY, _HOUR, 6 * _HOUR, 8 * _HOUR),
        Pace(7 * _DAY, 2 * _HOUR, 6 * _HOUR, 8 * _HOUR),
        Pace(_FOREVER, 6 * _HOUR, 12 * _HOUR, 12 * _HOUR),
    ),
    Milestone.OUT_FOR_DELIVERY: (
        Pace(12 * _HOUR, 30 * _MINUTE, 20 * _MINUTE, 2 * _HOUR),
        Pace(_FOREVER, _HOUR, 2 * _HOUR, 4 * _HOUR),
    ),
    Milestone.FAILED_ATTEMPT: (
        Pace(2 * _DAY, _HOUR, 3 * _HOUR, 6 * _HOUR),
        Pace(_FOREVER, 4 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    ),
    Milestone.AVAILABLE_FOR_PICKUP: (
        Pace(2 * _DAY, 2 * _HOUR, 2 * _HOUR, 8 * _HOUR),
        Pace(_FOREVER, 6 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    ),
    Milestone.EXCEPTION: (
        Pace(7 * _DAY, 4 * _HOUR, 6 * _HOUR, 8 * _HOUR),
        Pace(_FOREVER, 12 * _HOUR, _DAY, _DAY),
    ),
}
#: After a carrier's last word (delivered, returned, lost …): for returns and corrections, until LAST_WATCH.
LAST_WATCH = 7 * _DAY
AFTER_THE_LAST_WORD = Pace(_FOREVER, _DAY, _DAY, _DAY)
#: On the day that the carrier expects to deliver, and so many days after it, at the least every that.
WHEN_EXPECTED = Pace(_FOREVER, 30 * _MINUTE, 2 * _HOUR, 4 * _HOUR)
DAYS_EXPECTED = 2
#: Who waits for its consignee is not expected any more, and who is out has a closer pace.
_EXPECTED = frozenset({Milestone.INFO_RECEIVED, Milestone.IN_TRANSIT, Milestone.FAILED_ATTEMPT})

#: A parcel that was followed for so long is asked about half as often while it is at one of these.
OLD_AFTER, OLD_FACTOR = 30 * _DAY, 2
SLOW_WHEN_OLD = frozenset(
    {Milestone.PENDING, Milestone.INFO_RECEIVED, Milestone.IN_TRANSIT, Milestone.EXCEPTION}
)

#: How long a parcel that a carrier has in hand has just moved, and one that went out is out, for `Urgency`.
MOVED_FOR, OUT_FOR = 36 * _HOUR, _DAY
_NOT_IN_HAND = frozenset({Milestone.PENDING, Milestone.INFO_RECEIVED})

#: Waits are lengthened by chance, by up to this share, so that a batch does not stay a batch for ever.
SPREAD = 0.1

#: The silence after which subscribers are told that a parcel has stalled, once a silence.
STALLED_AFTER: Mapping[Milestone, timedelta] = {
    Milestone.PENDING: 3 * _DAY,
    Milestone.INFO_RECEIVED: 5 * _DAY,
    Milestone.IN_TRANSIT: 5 * _DAY,
    Milestone.OUT_FOR_DELIVERY: _DAY,
    Milestone.FAILED_ATTEMPT: 3 * _DAY,
    Milestone.AVAILABLE_FOR_PICKUP: 5 * _DAY,
    Milestone.EXCEPTION: 5 * _DAY,
}
SILENCE_LIMIT = 30 * _DAY
#: In all, from the tracker's creation, or from when it was last taken up again.
AGE_LIMIT = 180 * _DAY
#: Only what a carrier said of the parcel can end the watch: silence while nobody could be asked is none.
_ANSWERS = frozenset({Outcome.OK, Outcome.UNCHANGED, Outcome.NOT_FOUND, Outcome.REFUSED})

#: After a failure: the first wait, doubled for each further failure in a row up to the last.
BACKOFF: Mapping[Outcome, tuple[timedelta, timedelta]] = {
    Outcome.UNREACHABLE: (30 * timedelta(seconds=1), _HOUR),
    Outcome.THROTTLED: (_MINUTE, _HOUR),
    Outcome.BAD_RESPONSE: (5 * _MINUTE, 6 * _HOUR),
    Outcome.REFUSED: (_DAY, _DAY),
}
#: The account is suspended: the watch stays due, and is asked as soon as an account can.
_DUE_AT_ONCE = frozenset({Outcome.ACCOUNT_SUSPENDED, Outcome.NO_CARRIER_ACCOUNT})
#: Nobody looked for the parcel: what was asked is still to be asked, and as urgent as it was.
_NOT_LOOKED = _DUE_AT_ONCE | {Outcome.UNREACHABLE, Outcome.THROTTLED}


@dataclass(frozen=True, slots=True)
class Situation:
    """What the next poll depends on. `failures`: polls in a row that failed, this one included.

    `silence` counts while the carrier could be asked, `age` from when following began; `final`: the milestone
    is the carrier's last word; `stalled`: this silence was told. `time_of_day` is what has gone of the day at
    the destination, None where its hours are not known; `days_late` the days there since the one on which the
    carrier expects to deliver (0: today, -1: it is tomorrow), None where it expects none.
    """

    outcome: Outcome
    milestone: Milestone = Milestone.PENDING
    silence: timedelta = timedelta()
    failures: int = 0
    retry_after: float | None = None
    poll_every: timedelta | None = None
    final: bool = False
    age: timedelta = timedelta()
    stalled: bool = False
    time_of_day: timedelta | None = None
    days_late: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Ask again after `delay`; or stop, for a reason that the merchant is told.

    `urgency` None: as it was. `stalled`: the merchant is told of the silence now.
    """

    delay: timedelta | None
    stop_reason: str | None = None
    urgency: Urgency | None = Urgency.REST
    stalled: bool = False

    @property
    def tells(self) -> bool:
        """Whether it is a fact of its own, which the merchant is told."""
        return self.stalled or self.stop_reason is not None


def decide(now: Situation) -> Decision:
    """The next poll of one watch."""
    if reason := _reason_to_stop(now):
        return Decision(None, reason)
    delay = _delay(now)
    return Decision(delay, urgency=_urgency(now, delay), stalled=_stalls(now))


def _is_over(now: Situation) -> bool:
    return now.final or now.milestone is Milestone.DELIVERED


def _reason_to_stop(now: Situation) -> str | None:
    if now.outcome not in _ANSWERS:
        return None
    if _is_over(now) and now.silence >= LAST_WATCH:
        return now.milestone.value
    if now.age >= AGE_LIMIT:
        return "expired"
    return "no_news" if now.silence >= SILENCE_LIMIT else None


def _stalls(now: Situation) -> bool:
    if now.stalled or _is_over(now) or now.outcome not in _ANSWERS:
        return False
    return now.silence >= STALLED_AFTER[now.milestone]


def _delay(now: Situation) -> timedelta:
    if now.outcome in _DUE_AT_ONCE:
        return timedelta()
    if now.outcome in BACKOFF:
        return _backoff(now)
    if now.poll_every is not None and not _is_over(now):
        return now.poll_every
    return _wait(now)


def _backoff(now: Situation) -> timedelta:
    first, last = BACKOFF[now.outcome]
    doublings = min(max(now.failures - 1, 0), 20)
    doubled = min(first * (1 << doublings), last)
    return max(doubled, timedelta(seconds=now.retry_after or 0))


def _urgency(now: Situation, delay: timedelta) -> Urgency | None:
    """How urgent the next poll is, on its own day."""
    if now.outcome in _NOT_LOOKED:
        return None
    if _is_over(now):
        return Urgency.REST
    out = now.milestone is Milestone.OUT_FOR_DELIVERY and now.silence < OUT_FOR
    nights = ((now.time_of_day or timedelta()) + delay) // _DAY
    if out or _is_expected(now, nights):
        return Urgency.DUE
    moved = now.silence < MOVED_FOR and now.milestone not in _NOT_IN_HAND
    return Urgency.MOVED if moved else Urgency.REST


def _is_expected(now: Situation, nights: int) -> bool:
    """Whether the carrier expects to deliver on the day after so many nights, or did a day before."""
    if now.days_late is None or now.milestone not in _EXPECTED or _is_over(now):
        return False
    return 0 <= now.days_late + nights < DAYS_EXPECTED


def _wait(now: Situation) -> timedelta:
    """A wait is used up in each part of the day, and on each day, at the pace of that one."""
    pace = _pace(now)
    slower = OLD_FACTOR if now.age >= OLD_AFTER and now.milestone in SLOW_WHEN_OLD else 1
    left, waited = 1.0, timedelta()
    for nights, part, length in _parts(now.time_of_day):
        every = pace[part] * slower
        if _is_expected(now, nights):
            every = min(every, WHEN_EXPECTED[part])
        if length is None or every * left <= length:
            return waited + every * left
        left -= length / every
        waited += length
    raise AssertionError("the parts of the days never end")


def _pace(now: Situation) -> Pace:
    if _is_over(now):
        return AFTER_THE_LAST_WORD
    return next(pace for pace in CADENCE[now.milestone] if now.silence < pace.below)


def _parts(time_of_day: timedelta | None) -> Iterator[tuple[int, int, timedelta | None]]:
    """The parts of the days from now on: nights gone by, index of its pace, and what is left of it."""
    if time_of_day is None:
        yield 0, _DAYTIME, None
        return
    at = time_of_day
    for nights in count():
        for begins, ends, part in _PARTS:
            if ends > at:
                yield nights, part, ends - max(at, begins)
        at = timedelta()
