"""How an account is, and what that lets it do: pure rules over one row of `Health`. docs/polling.md has them.

The circuit keeps an account from a carrier that cannot be reached. The pace keeps it from one that asks to
slow down. Both are rows, so that they hold over all workers; `carriers.standings` reads and writes them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from carriers.exceptions import CarrierError, Throttled, Unreachable
from carriers.models import Health

Circuit = Health.Circuit

#: So many different trackers whose calls failed, with no answer between, open the circuit,
OPENED_BY = 3
#: for so long at first, doubled each time that the one call let through then fails too, up to the last.
FIRST_OPEN, LAST_OPEN = timedelta(seconds=30), timedelta(minutes=15)
#: What is asked of a carrier that answers 429 is this share of what it was, but never less than the floor.
SLOWED, FLOOR = 0.5, 0.1
#: So much more is asked of it after each so long a time in which it was asked and did not complain.
GROWTH, STEP = 1.25, timedelta(minutes=1)
#: A pace that has grown so high says nothing any more, and is forgotten.
NO_PACE = 100.0
#: The longest that an account waits because of one answer's Retry-After; the watch itself may wait longer.
LONGEST_WAIT = timedelta(hours=1)
#: Calls that were not made in time are made up for, if it was no longer ago than this.
SLACK = timedelta(seconds=0.1)
#: The time over which the pace of calls is measured, at least; twice that, at most.
MEASURED = timedelta(seconds=5)
#: While all is well, an answer is noted no more often than this.
NOTED_EVERY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Standing:
    """One row of `Health`; `ceiling` is the account's pace, or its carrier's, in calls a second."""

    circuit: Circuit = Circuit.CLOSED
    open_until: datetime | None = None
    openings: int = 0
    failing: tuple[UUID, ...] = ()
    last_answer_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_failure: str = ""
    pace: float | None = None
    pace_changed_at: datetime | None = None
    paced_until: datetime | None = None
    counted_from: datetime | None = None
    counted: int = 0
    ceiling: float | None = None

    @property
    def rate(self) -> float | None:
        """Calls a second that are made at most; None: as many as there are places for."""
        return min((one for one in (self.pace, self.ceiling) if one is not None), default=None)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that ended: about which tracker, since when it was under way, and how it failed, if it did."""

    tracker: UUID
    asked_at: datetime
    error: CarrierError | None = None


def calls_now(standing: Standing, in_flight: int, now: datetime) -> int | None:
    """How many more calls may start at this moment, by circuit and pace; None: health sets no bound.

    `in_flight` counts the calls of all workers whose leases run. While the circuit is not closed it is one at
    a time: a worker that died with that one call stands in nobody's way once its lease is over.
    """
    by_pace = _by_pace(standing, now)
    if standing.circuit is Circuit.CLOSED:
        return by_pace
    if standing.circuit is Circuit.OPEN and standing.open_until is not None and now < standing.open_until:
        return 0
    probes = max(0, 1 - in_flight)
    return probes if by_pace is None else min(probes, by_pace)


def next_call_at(standing: Standing, now: datetime) -> datetime:
    """The moment, now at the earliest, before which `calls_now` is 0 whatever else ends meanwhile."""
    moments = [now, standing.paced_until or now]
    if standing.circuit is Circuit.OPEN and standing.open_until is not None:
        moments.append(standing.open_until)
    return max(moments)


def given_out(standing: Standing, calls: int, now: datetime) -> Standing:
    """The account after so many calls were given out: no more than `calls_now` allowed."""
    if calls <= 0:
        return standing
    grown = _counted(_grown(standing, now), calls, now)
    if grown.circuit is Circuit.OPEN:
        grown = replace(grown, circuit=Circuit.HALF_OPEN, open_until=None)
    if grown.rate is None:
        return grown
    return replace(grown, paced_until=_paced_from(grown, now) + timedelta(seconds=calls / grown.rate))


def after(standing: Standing, calls: Iterable[Call], now: datetime) -> Standing:
    """The account after these calls ended, in this order."""
    for call in calls:
        match call.error:
            case Unreachable():
                standing = _failed(standing, call.tracker, call.error.detail, now)
            case Throttled():
                standing = _slowed(_answered(standing, now), call.asked_at, call.error.retry_after, now)
            case _:
                standing = _answered(standing, now)
    return standing


def _answered(standing: Standing, now: datetime) -> Standing:
    """Whatever the carrier said, it can be reached."""
    well = standing.circuit is Circuit.CLOSED and not standing.failing
    if well and standing.last_answer_at is not None and now - standing.last_answer_at < NOTED_EVERY:
        return standing
    return replace(
        standing, circuit=Circuit.CLOSED, open_until=None, openings=0, failing=(), last_answer_at=now
    )


def _failed(standing: Standing, tracker: UUID, detail: str, now: datetime) -> Standing:
    """While it is open, calls that were under way before may still fail: that is nothing new."""
    failed = replace(standing, last_failure_at=now, last_failure=detail)
    match standing.circuit:
        case Circuit.OPEN:
            return failed
        case Circuit.HALF_OPEN:
            return _opened(failed, now)
    if tracker not in standing.failing:
        failed = replace(failed, failing=(*standing.failing, tracker))
    return _opened(failed, now) if len(failed.failing) >= OPENED_BY else failed


def _opened(standing: Standing, now: datetime) -> Standing:
    doublings = min(standing.openings, 20)
    return replace(
        standing,
        circuit=Circuit.OPEN,
        open_until=now + min(FIRST_OPEN * (1 << doublings), LAST_OPEN),
        openings=standing.openings + 1,
    )


def _slowed(standing: Standing, asked_at: datetime, retry_after: float | None, now: datetime) -> Standing:
    """Half the pace, once for all the calls that were under way when the carrier first complained."""
    if retry_after:
        waiting = now + min(timedelta(seconds=retry_after), LONGEST_WAIT)
        standing = replace(standing, paced_until=max(waiting, standing.paced_until or waiting))
    if standing.pace_changed_at is not None and asked_at < standing.pace_changed_at:
        return standing
    was = min(one for one in (standing.rate, _measured(standing, now)) if one is not None)
    floor = min(FLOOR, standing.ceiling or FLOOR)
    return replace(standing, pace=max(was * SLOWED, floor), pace_changed_at=now)


def _grown(standing: Standing, now: datetime) -> Standing:
    """One step towards the pace that was, if the last was long enough ago."""
    if standing.pace is None or now - (standing.pace_changed_at or now) < STEP:
        return standing
    pace = standing.pace * GROWTH
    enough = pace >= (standing.ceiling or NO_PACE)
    return replace(standing, pace=None if enough else pace, pace_changed_at=now)


def _counted(standing: Standing, calls: int, now: datetime) -> Standing:
    """Counted for a while; then the average of that while counts on, for as much as the least time."""
    if standing.counted_from is None:
        return replace(standing, counted_from=now, counted=calls)
    if now - standing.counted_from < 2 * MEASURED:
        return replace(standing, counted=standing.counted + calls)
    carried = round(_measured(standing, now) * MEASURED.total_seconds())
    return replace(standing, counted_from=now - MEASURED, counted=carried + calls)


def _measured(standing: Standing, now: datetime) -> float:
    """Calls a second that were made lately."""
    since = standing.counted_from or now
    return standing.counted / max((now - since).total_seconds(), 1.0)


def _by_pace(standing: Standing, now: datetime) -> int | None:
    if standing.paced_until is not None and standing.paced_until > now:
        return 0
    if standing.rate is None:
        return None
    return 1 + int((now - _paced_from(standing, now)).total_seconds() * standing.rate)


def _paced_from(standing: Standing, now: datetime) -> datetime:
    """The moment from which calls that are given out now are counted."""
    earliest = now - SLACK
    return max(earliest, standing.paced_until or earliest)
