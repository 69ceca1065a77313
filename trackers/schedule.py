"""When to ask a carrier next. Pure: docs/polling.md holds the same table.

A row reads: while the parcel has been silent for less than this, ask every that. Silence counts from the last
new scan, or from the tracker's creation where there is none.
"""

from dataclasses import dataclass
from datetime import timedelta

from carriers.outcome import Outcome
from events.statuses import Milestone

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_FOREVER = timedelta.max

#: After a carrier's last word (delivered, returned, lost …) a parcel is watched this long, this often, for
#: returns and corrections; any other, for this long a silence.
LAST_WATCH = 7 * _DAY
LAST_EVERY = 12 * _HOUR
SILENCE_LIMIT = 30 * _DAY
Cadence = tuple[tuple[timedelta, timedelta], ...]

CADENCE: dict[Milestone, Cadence] = {
    Milestone.PENDING: ((_DAY, 30 * _MINUTE), (3 * _DAY, 2 * _HOUR), (_FOREVER, 6 * _HOUR)),
    Milestone.INFO_RECEIVED: ((2 * _DAY, _HOUR), (_FOREVER, 4 * _HOUR)),
    Milestone.IN_TRANSIT: ((_DAY, _HOUR), (7 * _DAY, 3 * _HOUR), (_FOREVER, 12 * _HOUR)),
    Milestone.OUT_FOR_DELIVERY: ((12 * _HOUR, 15 * _MINUTE), (_FOREVER, _HOUR)),
    Milestone.FAILED_ATTEMPT: ((_DAY, _HOUR), (_FOREVER, 4 * _HOUR)),
    Milestone.AVAILABLE_FOR_PICKUP: ((2 * _DAY, 2 * _HOUR), (_FOREVER, 6 * _HOUR)),
    Milestone.DELIVERED: ((_FOREVER, LAST_EVERY),),
    Milestone.EXCEPTION: ((7 * _DAY, 6 * _HOUR), (_FOREVER, 24 * _HOUR)),
}
#: Only what a carrier said of the parcel can end the watch: silence while nobody could be asked is none.
_ANSWERS = frozenset({Outcome.OK, Outcome.UNCHANGED, Outcome.NOT_FOUND, Outcome.REFUSED})

#: After a failure: the first wait, doubled for each further failure in a row up to the last.
BACKOFF: dict[Outcome, tuple[timedelta, timedelta]] = {
    Outcome.UNREACHABLE: (30 * timedelta(seconds=1), _HOUR),
    Outcome.THROTTLED: (_MINUTE, _HOUR),
    Outcome.BAD_RESPONSE: (5 * _MINUTE, 6 * _HOUR),
    Outcome.REFUSED: (_DAY, _DAY),
}
#: The account is suspended: the watch stays due, and is asked as soon as an account can.
_DUE_AT_ONCE = frozenset({Outcome.ACCOUNT_SUSPENDED, Outcome.NO_CARRIER_ACCOUNT})


@dataclass(frozen=True, slots=True)
class Situation:
    """What the next poll depends on. `failures`: polls in a row that failed, this one included.

    `silence` counts while the carrier could be asked; `final`: the milestone is the carrier's last word.
    """

    outcome: Outcome
    milestone: Milestone = Milestone.PENDING
    silence: timedelta = timedelta()
    failures: int = 0
    retry_after: float | None = None
    poll_every: timedelta | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Ask again after `delay`; or stop, for a reason that the merchant is told."""

    delay: timedelta | None
    stop_reason: str | None = None


def decide(now: Situation) -> Decision:
    """The next poll of one watch."""
    if reason := _reason_to_stop(now):
        return Decision(None, reason)
    if now.outcome in _DUE_AT_ONCE:
        return Decision(timedelta())
    if now.outcome in BACKOFF:
        return Decision(_backoff(now))
    if _is_over(now):
        return Decision(LAST_EVERY)
    if now.poll_every is not None:
        return Decision(now.poll_every)
    return Decision(next(every for below, every in CADENCE[now.milestone] if now.silence < below))


def _is_over(now: Situation) -> bool:
    return now.final or now.milestone is Milestone.DELIVERED


def _reason_to_stop(now: Situation) -> str | None:
    if now.outcome not in _ANSWERS:
        return None
    if _is_over(now):
        return now.milestone.value if now.silence >= LAST_WATCH else None
    return "no_news" if now.silence >= SILENCE_LIMIT else None


def _backoff(now: Situation) -> timedelta:
    first, last = BACKOFF[now.outcome]
    doublings = min(max(now.failures - 1, 0), 20)
    doubled = min(first * (1 << doublings), last)
    return max(doubled, timedelta(seconds=now.retry_after or 0))
