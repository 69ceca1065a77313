"""The pump: claims what is due, sends it, settles what has ended while the rest is under way; and again."""

import logging
import time
from collections.abc import Iterable, Sequence, Set
from contextlib import suppress
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError

from events.retrying import once_more
from webhooks.claims import Claimed, renew, take
from webhooks.exceptions import EndpointUnreadable
from webhooks.exchanges import Failure, Outgoing, Result
from webhooks.paces import Pace
from webhooks.requesting import request
from webhooks.settling import settle
from webhooks.stopping import stop
from webhooks.transport import CAPACITY, wire
from webhooks.waiting import Turn

logger = logging.getLogger(__name__)

#: Deliveries that one claim takes, and one settling writes; larger batches cost more per delivery.
BATCH = 100
#: Seconds that ended tries wait for others, to be settled in one statement.
GATHER = 0.02
#: Seconds between two looks for work while the last one found less than it could take.
LOOK_EVERY = 0.25
#: Seconds after which a database that was away is asked again.
AGAIN = 0.5

#: The database is away, or refuses for reasons that pass.
_AWAY = (OperationalError, InterfaceError)


def run(budget: float, paces: Sequence[Pace] = tuple(Pace)) -> int:
    """Send what is due at these paces until nothing is, or for `budget` seconds, or until the word to stop.

    Where a rate limit holds up what is due, one pump of all stays and looks every LOOK_EVERY seconds.
    What is under way is seen to its end and recorded, also while the database is away for a moment: only who
    loses a claim stops sending. A database that stays away until the leases are over, or takes no record
    for as long as a lease, ends the run with its error; what was in hand is then sent again by others.

    Returns the number of tries. For one thread at a time of its own; any number of threads and processes
    may run it side by side.
    """
    return _Pump(budget, paces).run()


class _Pump:
    def __init__(self, budget: float, paces: Sequence[Pace]) -> None:
        self._paces = paces
        now = time.monotonic()
        self._wire = wire()
        self._until = now + budget
        self._look_at = now
        self._renew_at = now + settings.DELIVERY_LEASE / 3
        self._settle_at = now
        # Until when every lease in hand holds.
        self._leased_until = now
        # Set while records are refused: when to give up.
        self._give_up_at: float | None = None
        self._flying: dict[UUID, Claimed] = {}
        # None: it could not be sent.
        self._landed: list[tuple[Claimed, Result | None]] = []
        self._tries = 0
        self._turn = Turn(paces)

    def run(self) -> int:
        try:
            self._claim()
            while self._flying or self._landed or self._waits():
                self._land(self._wire.wait(self._pause()))
                self._settle()
                self._renew()
                self._claim()
        finally:
            self._wire.cancel(self._flying)
            # Where the database is away, so is the connection that it was held by.
            with suppress(*_AWAY):
                self._turn.end()
        return self._tries

    def _waits(self) -> bool:
        """Whether to look again, although nothing is under way: a rate limit holds up what is due."""
        if not self._room():
            return False
        try:
            return self._turn.is_worth_it()
        except _AWAY as error:
            logger.warning("nobody waits for rate limits until the next sweep: %s", error)
            return False

    def _room(self) -> int:
        """For how many deliveries there is room now; 0 also where none may be claimed any more."""
        if stop.is_set() or self._look_at > self._until or self._give_up_at is not None:
            return 0
        return min(BATCH, CAPACITY - len(self._flying))

    def _claim(self) -> None:
        now = time.monotonic()
        room = self._room()
        # Not whether the budget is spent by now: what was due to be looked at within it is, the first always.
        if not room or now < self._look_at:
            return
        try:
            taken = once_more(partial(take, room, self._paces))
        except _AWAY as error:
            logger.warning("no deliveries claimed: %s", error)
            self._look_at = now + AGAIN
            return
        if not self._flying and not self._landed:
            self._leased_until = now + settings.DELIVERY_LEASE
        # A full batch means that there may be more at once.
        self._look_at = now if len(taken) == room else now + LOOK_EVERY
        self._start(taken)

    def _start(self, taken: Sequence[Claimed]) -> None:
        outgoing: list[Outgoing] = []
        # After a standstill longer than a lease it may be our own that was taken over.
        self._drop(self._flying.keys() & {each.delivery_id for each in taken})
        for each in taken:
            if each.spent:
                self._landed.append((each, _unknown(each)))
                continue
            try:
                outgoing.append(request(each))
            except EndpointUnreadable:
                self._landed.append((each, None))
                continue
            self._flying[each.delivery_id] = each
        self._wire.start(outgoing)
        self._tries += len(outgoing)

    def _pause(self) -> float:
        moments = [self._renew_at]
        if self._landed:
            moments.append(self._settle_at)
            if not self._flying and self._give_up_at is None:
                return 0.0
        if self._room():
            moments.append(self._look_at)
        return max(0.0, min(moments) - time.monotonic())

    def _land(self, results: Iterable[Result]) -> None:
        if not self._landed:
            self._settle_at = time.monotonic() + GATHER
        self._landed += [(self._flying.pop(result.token), result) for result in results]

    def _settle(self) -> None:
        if not self._landed or not self._is_time_to_settle():
            return
        try:
            settle(self._landed)
        except _AWAY as error:
            now = time.monotonic()
            self._give_up_at = self._give_up_at or now + settings.DELIVERY_LEASE
            if now >= self._give_up_at:
                raise
            logger.warning("%d ended tries are not recorded yet: %s", len(self._landed), error)
            self._settle_at = now + AGAIN
            return
        self._landed, self._give_up_at = [], None
        # Places are free again.
        self._look_at = time.monotonic()

    def _is_time_to_settle(self) -> bool:
        # After a refusal only time counts.
        enough = self._give_up_at is None and (not self._flying or len(self._landed) >= BATCH)
        return enough or time.monotonic() >= self._settle_at

    def _renew(self) -> None:
        """Every third of the lease. Who lost a claim stops sending: another may have begun."""
        now = time.monotonic()
        if now < self._renew_at:
            return
        held = [*self._flying.values(), *(claimed for claimed, _ in self._landed)]
        try:
            kept = once_more(partial(renew, held))
        except _AWAY as error:
            if time.monotonic() >= self._leased_until:
                raise
            logger.warning("the leases of %d deliveries are not renewed yet: %s", len(held), error)
            self._renew_at = now + AGAIN
            return
        self._renew_at = now + settings.DELIVERY_LEASE / 3
        self._leased_until = now + settings.DELIVERY_LEASE
        lost = self._flying.keys() - kept
        if lost:
            # What has been answered by now is settled, if nobody has taken it over.
            self._land(self._wire.wait(0))
            self._drop(lost & self._flying.keys())

    def _drop(self, lost: Set[UUID]) -> None:
        """One that has landed stays: where its claim is another's, settling it changes nothing."""
        if not lost:
            return
        logger.warning("lost the claims of %d deliveries in flight", len(lost))
        self._wire.cancel(lost)
        self._flying = {id_: each for id_, each in self._flying.items() if id_ not in lost}


def _unknown(claimed: Claimed) -> Result:
    return Result(claimed.delivery_id, Failure.ABANDONED, None, None, b"", {}, "")
