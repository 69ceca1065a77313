"""The places of one process for calls under way: what hangs must not keep them from accounts that answer.

A call that has been under way for long gives its place back, and an account whose calls take long gets few at
once. That is known by each process for itself: it costs nothing, and outlives no restart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from uuid import UUID

#: Calls of one process that have just begun, at most; and all that are under way.
PLACES, MOST_UNDER_WAY = 100, 200
#: Seconds from which on a call takes long.
LONG = 2.0
#: Calls at once of an account of which nothing is known here,
TRIAL = 2
#: and of all together whose calls take long, though one of each, while those that are slow or unknown have
#: fewer than the last between them: a carrier that hangs does so for each of its accounts.
FOR_SLOW, FOR_DOUBTFUL = 50, 100
#: Seconds after its last call from which on nothing is known of an account any more.
KNOWN_FOR = 600.0
#: Accounts that are remembered before those of which nothing is known any more are forgotten.
_REMEMBERED = 1_000


@dataclass(slots=True, eq=False)
class Place:
    """The place of one call. `began`: when a thread began to ask; None until then."""

    account: UUID
    began: float | None = None

    def is_held_long(self, now: float) -> bool:
        return self.began is not None and now - self.began >= LONG


@dataclass(slots=True)
class _Account:
    """Its calls under way, and how long the last that ended took, and when it did."""

    under_way: list[Place] = field(default_factory=list)
    took: float | None = None
    ended_at: float = 0.0

    def is_slow(self, now: float) -> bool:
        hangs = any(place.is_held_long(now) for place in self.under_way)
        return hangs or (self.is_known(now) and self.took is not None and self.took >= LONG)

    def is_known(self, now: float) -> bool:
        return self.took is not None and now - self.ended_at < KNOWN_FOR


class Places:
    """See the module. Moments are of time.monotonic(). Safe for threads."""

    def __init__(self) -> None:
        self._accounts: dict[UUID, _Account] = {}
        self._remembered = _REMEMBERED
        self._lock = Lock()

    def take(self, account: UUID) -> Place:
        """For a call with this account. Whoever makes it says when it `began`."""
        place = Place(account)
        with self._lock:
            self._accounts.setdefault(account, _Account()).under_way.append(place)
        return place

    def give_back(self, place: Place, now: float, *, answered: bool = True) -> None:
        """Its call has ended. One that was not answered in no time tells nothing."""
        with self._lock:
            known = self._accounts[place.account]
            known.under_way.remove(place)
            took = now - (now if place.began is None else place.began)
            known.took, known.ended_at = took if answered or took >= LONG else None, now
            if len(self._accounts) > self._remembered:
                self._forget(now)

    def free(self, now: float) -> int:
        """Calls that may begin now, with any accounts."""
        with self._lock:
            held = [place for account in self._accounts.values() for place in account.under_way]
        young = sum(not place.is_held_long(now) for place in held)
        return max(0, min(PLACES - young, MOST_UNDER_WAY - len(held)))

    def free_for(self, now: float, most: int = PLACES) -> "Free":
        """Calls that may begin now, by account: of none more than `most` are under way here.

        That counts calls whose claim was taken away meanwhile, too.
        """
        with self._lock:
            slow = [id_ for id_, account in self._accounts.items() if account.is_slow(now)]
            known = [id_ for id_, account in self._accounts.items() if account.is_known(now)]
            under_way = {id_: len(one.under_way) for id_, one in self._accounts.items() if one.under_way}
        each = max(1, FOR_SLOW // max(1, len(slow)))
        quick = dict.fromkeys(set(known).difference(slow), most)
        return Free(quick, dict.fromkeys(slow, min(each, most)), under_way)

    def _forget(self, now: float) -> None:
        self._accounts = {
            id_: account
            for id_, account in self._accounts.items()
            if account.under_way or account.is_known(now)
        }
        self._remembered = max(_REMEMBERED, 2 * len(self._accounts))


@dataclass(frozen=True, slots=True)
class Free:
    """What each account may begin at one moment, as far as this process is concerned."""

    quick: dict[UUID, int]
    slow: dict[UUID, int]
    under_way: dict[UUID, int]

    def granted(self, wishes: Mapping[UUID, int]) -> dict[UUID, int]:
        """How many of these calls may begin, where the first of the accounts come first."""
        doubtful = sum(calls for account, calls in self.under_way.items() if account not in self.quick)
        granted: dict[UUID, int] = {}
        for account, wish in wishes.items():
            bound = self.quick.get(account, self.slow.get(account, TRIAL))
            free = max(0, bound - self.under_way.get(account, 0))
            if account not in self.quick:
                free = min(free, max(0, FOR_DOUBTFUL - doubtful))
                doubtful += min(wish, free)
            granted[account] = min(wish, free)
        return granted


#: Of this process: of its tasks and of the sweeps beside them.
places = Places()
