"""The pump: one loop that claims what is due, sends it, and settles what has ended, all at the same time.

One thread waits for two things at once: for sockets, and for the one statement that PostgreSQL is working on.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence, Set
from contextlib import suppress
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError

from accounts import progress
from accounts.running import Desk, Job
from events.retrying import once_more_running
from webhooks.claims import Claimed, renewing, taking
from webhooks.exceptions import EndpointUnreadable
from webhooks.exchanges import Outgoing, Result, abandoned
from webhooks.nudging import Ear
from webhooks.overdue import Backlog
from webhooks.paces import Pace
from webhooks.requesting import request
from webhooks.settling import settling
from webhooks.stopping import stop
from webhooks.transport import CAPACITY, wire
from webhooks.waiting import Turn

logger = logging.getLogger(__name__)

#: Deliveries that one claim takes, and those that one settling writes at most: both cost as much for one as
#: for many, and while one runs the other waits.
BATCH, SETTLED = 200, 400
#: Ended tries that are settled at once, and seconds that fewer wait for others.
ENOUGH, GATHER = 150, 0.02
#: Ended tries that are not settled yet, above which no more is claimed.
BACKLOG = 2_000
#: Seconds between two looks for work while the last one found less than it could take; and at most where
#: something may have become due meanwhile: then it rests so many times as long as the last look took.
LOOK_EVERY, LOOK_SOON, RESTS = 0.25, 0.02, 2
#: Seconds that a pump which has nothing to do waits for news; after which a database is asked that was away.
LINGER, AGAIN = 1.0, 0.5

#: The database is away, or refuses for reasons that pass.
_AWAY = (OperationalError, InterfaceError)


def run(
    budget: float,
    paces: Sequence[Pace] = tuple(Pace),
    ear: Ear | None = None,
    tell_late: Callable[[], None] = lambda: None,
) -> int:
    """Send what is due at these paces until nothing is, or for `budget` seconds, or until the word to stop.

    With an `ear` it stays for a moment after it sent something, and for as long as there is news. Where a
    rate limit holds up what is due, one pump of all stays and looks when it lets go of some of that. First
    tries that have been due for too long are left to the late pace; then `tell_late` is called.
    What is under way is seen to its end and recorded, also while the database is away for a moment: only who
    loses a claim stops sending. A database that stays away until the leases are over, or takes no record
    for as long as a lease, ends the run with its error; what was in hand is then sent again by others.

    Returns the number of tries. Any number of threads and processes may run it side by side.
    """
    return _Pump(budget, paces, ear, tell_late).run()


class _Pump:
    def __init__(
        self, budget: float, paces: Sequence[Pace], ear: Ear | None, tell_late: Callable[[], None]
    ) -> None:
        now = time.monotonic()
        self._paces = paces
        self._ear = ear
        self._wire = wire()
        self._until = now + budget
        # When it looks next, and when it may at the earliest where something may have become due meanwhile.
        self._look_at = self._soon = now
        self._has_looked = False
        # Whether there was something to wait for after the last look.
        self._has_waited = False
        self._slow_at = now
        self._backlog = Backlog(tell_late)
        self._renew_at = now + settings.DELIVERY_LEASE / 3
        self._settle_at = now
        # Until when every lease in hand holds.
        self._leased_until = now
        # Set while records are refused: when to give up.
        self._give_up_at: float | None = None
        self._flying: dict[UUID, Claimed] = {}
        # None: it could not be sent.
        self._landed: list[tuple[Claimed, Result | None]] = []
        self._settling: list[tuple[Claimed, Result | None]] = []
        self._desk = Desk()
        self._tries = 0
        self._turn = Turn(paces)

    def run(self) -> int:
        try:
            self._work()
            while self._is_busy() or self._waits() or self._hears():
                self._land(self._wire.wait(self._pause(), self._desk.fileno()))
                self._work()
        finally:
            self._wire.cancel(self._flying)
            # Where the database is away, so is the connection that all this was held by.
            with suppress(*_AWAY):
                self._desk.close()
                self._turn.end()
        return self._tries

    def _is_busy(self) -> bool:
        return bool(self._flying or self._landed or self._desk.is_busy)

    def _waits(self) -> bool:
        """Whether to look again, although nothing is under way: a rate limit holds up what is due."""
        if not self._room():
            return False
        # It is asked once a look: it reads all lanes, and there is more to wake up for than looks.
        if self._has_waited:
            return True
        seconds = self._turn.due_in()
        if seconds is None:
            return False
        self._has_waited = True
        # What it lets go of since a moment ago is found at the next look.
        if seconds:
            self._look_at = min(self._look_at, time.monotonic() + max(seconds, LOOK_SOON))
        return True

    def _hears(self) -> bool:
        """Whether to look again at once, although there was nothing to do: there is news.

        A pump that found nothing at all does not wait for that.
        """
        if self._ear is None or not self._tries or not self._room():
            return False
        heard = self._ear.wait(min(LINGER, self._until - time.monotonic()))
        self._look_at = time.monotonic()
        return heard

    def _room(self) -> int:
        """For how many deliveries there is room now; 0 also where none may be claimed any more."""
        unsettled = len(self._landed) + len(self._settling)
        if self._is_over() or self._give_up_at is not None or unsettled >= BACKLOG:
            return 0
        return min(BATCH, CAPACITY - len(self._flying))

    def _is_over(self) -> bool:
        """Whether it claims no more. However late it comes to its first look, it makes that one."""
        return stop.is_set() or (self._has_looked and time.monotonic() >= self._until)

    def _work(self) -> None:
        """Have the database do what is most urgent, until it has to be waited for."""
        if self._ear and self._is_over():
            self._ear.end()  # what is under way may take long yet: commits make tasks meanwhile
        while self._desk.is_free() and (job := self._next()):
            self._desk.begin(job)

    def _next(self) -> Job[None] | None:
        now = time.monotonic()
        if now >= self._renew_at:
            return self._renew()
        if self._landed and self._is_time_to_settle(now):
            return self._settle()
        if self._backlog.is_to_be_marked:
            return self._backlog.marking()
        if self._room() and now >= self._next_look():
            return self._claim()
        return None

    def _next_look(self) -> float:
        # The ear is asked only where the answer counts.
        soon = self._soon
        if soon < self._look_at and self._ear and self._ear.heard():
            self._look_at = soon
        return self._look_at

    def _claim(self) -> Job[None]:
        room = self._room()
        began, self._has_looked, self._has_waited = time.monotonic(), True, False
        try:
            asked = partial(taking, room, self._paces, of_slow=self._is_time_for_slow())
            taken = yield from once_more_running(asked)
        except _AWAY as error:
            logger.warning("no deliveries claimed: %s", error)
            self._look_at = self._soon = time.monotonic() + AGAIN
            return
        progress.made()
        now = time.monotonic()
        self._soon = now + min(LOOK_SOON, RESTS * (now - began))
        if not self._flying and not self._landed:
            self._leased_until = now + settings.DELIVERY_LEASE
        # A full batch means that there may be more at once.
        is_full = len(taken.claims) >= room
        self._look_at = now if is_full else now + LOOK_EVERY
        if is_full:
            self._backlog.note(taken.overdue)
        self._start(taken.claims)

    def _is_time_for_slow(self) -> bool:
        now = time.monotonic()
        is_time = not self._flying or now >= self._slow_at
        if is_time:
            self._slow_at = now + LOOK_EVERY
        return is_time

    def _start(self, taken: Sequence[Claimed]) -> None:
        outgoing: list[Outgoing] = []
        # After a standstill longer than a lease it may be our own that was taken over.
        self._drop(self._flying.keys() & {each.delivery_id for each in taken})
        for each in taken:
            if each.spent:
                self._landed.append((each, abandoned(each.delivery_id)))
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
        if self._desk.is_busy:
            # Whatever comes next waits for that.
            return settings.DELIVERY_LEASE / 3
        if self._is_over() and not self._is_busy():
            return 0.0  # the word came after it was asked for
        moments = [self._renew_at]
        if self._landed:
            moments.append(self._settle_at)
        if self._room():
            moments.append(self._look_at)
            if self._ear:
                moments.append(max(self._soon, self._ear.ask_at))
        return max(0.0, min(moments) - time.monotonic())

    def _land(self, results: Iterable[Result]) -> None:
        if not self._landed:
            self._settle_at = time.monotonic() + GATHER
        self._landed += [(self._flying.pop(result.token), result) for result in results]

    def _settle(self) -> Job[None]:
        self._settling, self._landed = self._landed[:SETTLED], self._landed[SETTLED:]
        try:
            yield from settling(self._settling)
        except _AWAY as error:
            now = time.monotonic()
            self._landed = self._settling + self._landed
            self._give_up_at = self._give_up_at or now + settings.DELIVERY_LEASE
            if now >= self._give_up_at:
                raise
            logger.warning("%d ended tries are not recorded yet: %s", len(self._landed), error)
            self._settle_at = now + AGAIN
            return
        finally:
            self._settling = []
        self._give_up_at = None
        progress.made()
        # Places are free again; where much is under way, a look for each of a few would cost too much.
        soon = self._soon if self._flying else time.monotonic()
        self._look_at = min(self._look_at, soon)

    def _is_time_to_settle(self, now: float) -> bool:
        # After a refusal only time counts.
        enough = self._give_up_at is None and (not self._flying or len(self._landed) >= ENOUGH)
        return enough or now >= self._settle_at

    def _renew(self) -> Job[None]:
        """Every third of the lease. Who lost a claim stops sending: another may have begun."""
        held = [*self._flying.values(), *(claimed for claimed, _ in self._landed)]
        try:
            kept = yield from once_more_running(partial(renewing, held))
        except _AWAY as error:
            if time.monotonic() >= self._leased_until:
                raise
            logger.warning("the leases of %d deliveries are not renewed yet: %s", len(held), error)
            self._renew_at = time.monotonic() + AGAIN
            return
        progress.made()
        now = time.monotonic()
        self._renew_at = now + settings.DELIVERY_LEASE / 3
        self._leased_until = now + settings.DELIVERY_LEASE
        lost = {each.delivery_id for each in held} & self._flying.keys() - kept
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
