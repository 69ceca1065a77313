"""The calls of a day: how many an account may still make, by pure rules; docs/polling.md has them.

What is decided here is reserved before it is called, in the transaction that decides: see
`carriers.reserving`.
"""

from dataclasses import dataclass, field
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

    `generation` is the account's key's: see `carriers.models.DailyUse`. `start_by`, of time.monotonic(), is
    when the last of them must have started. `fingerprint` is the key's.
    """

    account: UUID
    courier: str
    day: date
    generation: int
    calls: int
    start_by: float
    fingerprint: str = field(repr=False)


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
class Counts:
    """What is reserved on a day: of an account, with its key, and of all accounts at its courier.

    A version before this one, beside it for a while, counts for the account alone: its key has made no fewer.
    """

    own: int = 0
    of_key: int = 0
    of_all: int = 0

    def uses(self, courier: str, own_quota: int | None) -> tuple[Use, Use, Use]:
        """With how much may be, where `own_quota` is the account's own number."""
        return (
            Use(self.own, own_quota),
            Use(max(self.own, self.of_key), key_quota_of(courier)),
            Use(self.of_all, service_quota_of(courier)),
        )


@dataclass(frozen=True, slots=True)
class Room:
    """Polls that may start now: `left` of any urgency, `scheduled` of those that nobody asked for.

    `is_short` where scheduled polls wait because the day's calls would not last otherwise.
    """

    left: int
    scheduled: int
    is_short: bool = False


NOTHING = Room(0, 0)


def key_quota_of(courier: str) -> int | None:
    """Calls with one key in a day, of all its accounts together; None: as many as they like."""
    carrier = adapters().get(courier)
    return carrier.daily_quota if carrier else None


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


def calls_left(courier: str, own_quota: int | None, counts: Counts) -> int | None:
    """Calls that an account has left of its own number and its key's, today; None where nobody counts.

    None is left, too, where the courier's number for all accounts holds no poll any more.
    """
    own, of_key, of_all = counts.uses(courier, own_quota)
    if of_all.left < most_calls(courier):
        return 0
    return min((use.left for use in (own, of_key) if use.quota is not None), default=None)


def day_of(courier: str, now: datetime) -> date:
    """The date at the courier's home; of UTC for one that there is no adapter for."""
    found = today(courier, now)
    return found.date if found else now.date()
