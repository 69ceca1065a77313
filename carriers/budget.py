"""The calls of a day: how many an account may still make, by pure rules; docs/polling.md has them.

What is decided here is reserved before it is called, in the transaction that decides: see
`carriers.reserving`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from carriers.days import Day, today
from carriers.registry import adapters

#: Scheduled calls may be ahead of an even spread over the day by this share of its quota, by one at least.
BURST = 0.01
#: As many as nobody counts.
UNBOUNDED = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Reservation:
    """Calls that are counted before they are made: of one account, on one day at its carrier's home.

    `generation` is the key's: see `carriers.models.DailyUse`. `start_by`, of time.monotonic(), is when the
    last of them must have started.
    """

    account: UUID
    courier: str
    day: date
    generation: int
    calls: int
    start_by: float


@dataclass(frozen=True, slots=True)
class Use:
    """What is reserved on a day so far, and how much may be; `quota` None: as much as is wanted."""

    reserved: int
    quota: int | None

    @property
    def left(self) -> int:
        return UNBOUNDED if self.quota is None else max(0, self.quota - self.reserved)

    def spread(self, share_gone: float) -> int:
        """Scheduled calls that the even spread allows at this share of the day."""
        if self.quota is None:
            return UNBOUNDED
        ahead = max(1, int(self.quota * BURST))
        return max(0, min(int(self.quota * share_gone) + ahead, self.quota) - self.reserved)

    @property
    def burst(self) -> int:
        return UNBOUNDED if self.quota is None else max(1, int(self.quota * BURST))


@dataclass(frozen=True, slots=True)
class Room:
    """Polls that may start now: `left` of any urgency, `scheduled` of those that nobody asked for.

    `is_short` where scheduled polls wait because the day's calls would not last otherwise.
    """

    left: int
    scheduled: int
    is_short: bool = False


NOTHING = Room(0, 0)


def quota_of(courier: str, own: int | None) -> int | None:
    """Calls of one account in a day: its own number, else its carrier's; None: as many as it likes."""
    carrier = adapters().get(courier)
    return own if own is not None or carrier is None else carrier.daily_quota


def service_quota_of(courier: str) -> int | None:
    """Calls of all accounts at a courier together in a day; None: as many as they like."""
    carrier = adapters().get(courier)
    return carrier.service_quota if carrier else None


def most_calls(courier: str) -> int:
    """What is reserved for one poll: the most that it makes."""
    carrier = adapters().get(courier)
    return carrier.most_calls if carrier else 1


def room(day: Day, now: datetime, uses: tuple[Use, ...], *, calls: int, served: datetime | None) -> Room:
    """What may start now. `calls` is the most that one poll makes, `served` when the account last got any.

    Scheduled calls keep to an even spread over the day, of each of `uses`. Where others were ahead of it
    (first polls, polls asked for), they get what is left evenly over the time that is left.
    """
    if not day.is_open(now):
        return NOTHING
    left = min(use.left for use in uses)
    spread = min(use.spread(day.share_gone(now)) for use in uses)
    since = now - max(served or day.begins, day.begins)
    # At the least one whole poll, however small the burst: else none would ever start so.
    most = max(calls, min(use.burst for use in uses))
    trickle = min(int(left * (since / (day.closes - now))), most)
    scheduled = min(max(spread, trickle), left)
    is_short = scheduled < min(left, min(use.burst for use in uses) // 2 + 1)
    return Room(left // calls, scheduled // calls, is_short)


def quota_left(courier: str, own: int | None, reserved: int) -> int | None:
    """Calls that an account has left today; None where nobody counts."""
    quota = quota_of(courier, own)
    return None if quota is None else max(0, quota - reserved)


def day_of(courier: str, now: datetime) -> date:
    """The date at the courier's home; of UTC for one that there is no adapter for."""
    found = today(courier, now)
    return found.date if found else now.date()
