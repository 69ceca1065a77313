"""The pump: claims what is due, sends it, settles what has ended while the rest is under way; and again."""

import logging
import time
from collections.abc import Iterable
from functools import partial
from uuid import UUID

from django.conf import settings

from webhooks.claims import Claimed, renew, take
from webhooks.exchanges import Failure, Outgoing, Result
from events.retrying import once_more
from webhooks.settling import settle
from webhooks.signing import signature
from webhooks.stopping import stop
from webhooks.transport import CAPACITY, wire

logger = logging.getLogger(__name__)

#: Deliveries that one claim takes, and one settling writes; larger batches cost more per delivery.
BATCH = 100
#: Seconds that ended tries wait for others, to be settled in one statement.
GATHER = 0.02
#: Seconds between two looks for work while the last one found less than it could take.
LOOK_EVERY = 0.25


def run(budget: float) -> int:
    """Send what is due until nothing is, or claim no more after `budget` seconds or the word to stop.

    What is under way is always seen to its end. Returns the number of tries. For one thread at a time of
    its own; any number of threads and processes may run it side by side.
    """
    return _Pump(budget).run()


class _Pump:
    def __init__(self, budget: float) -> None:
        now = time.monotonic()
        self._wire = wire()
        self._until = now + budget
        self._look_at = now
        self._renew_at = now + settings.DELIVERY_LEASE / 3
        self._settle_at = now
        self._flying: dict[UUID, Claimed] = {}
        self._landed: list[tuple[Claimed, Result]] = []
        self._tries = 0

    def run(self) -> int:
        try:
            self._claim()
            while self._flying or self._landed:
                self._renew()
                self._land(self._wire.wait(self._pause()))
                self._settle()
                self._claim()
        finally:
            self._wire.cancel(self._flying)
        return self._tries

    def _claim(self) -> None:
        now = time.monotonic()
        room = min(BATCH, CAPACITY - len(self._flying))
        if stop.is_set() or not self._look_at <= now < self._until or not room:
            return
        taken = once_more(partial(take, room))
        # A full batch means that there may be more at once.
        self._look_at = now if len(taken) == room else now + LOOK_EVERY
        self._land_spent(each for each in taken if each.spent)
        flying = [each for each in taken if not each.spent]
        self._flying |= {each.delivery_id: each for each in flying}
        self._wire.start([_request(each) for each in flying])
        self._tries += len(flying)

    def _pause(self) -> float:
        moments = [self._renew_at]
        if self._landed:
            moments.append(self._settle_at)
        if self._look_at < self._until and not stop.is_set():
            moments.append(self._look_at)
        return max(0.0, min(moments) - time.monotonic())

    def _land(self, results: Iterable[Result]) -> None:
        if not self._landed:
            self._settle_at = time.monotonic() + GATHER
        self._landed += [(self._flying.pop(result.token), result) for result in results]

    def _land_spent(self, spent: Iterable[Claimed]) -> None:
        self._landed += [(each, _unknown(each)) for each in spent]

    def _settle(self) -> None:
        due = not self._flying or len(self._landed) >= BATCH or time.monotonic() >= self._settle_at
        if not self._landed or not due:
            return
        landed, self._landed = self._landed, []
        settle(landed)
        # Places are free again.
        self._look_at = time.monotonic()

    def _renew(self) -> None:
        """Every third of the lease. Who lost a claim stops sending: another may have begun."""
        now = time.monotonic()
        if now < self._renew_at or not self._flying:
            return
        self._renew_at = now + settings.DELIVERY_LEASE / 3
        lost = self._flying.keys() - once_more(partial(renew, list(self._flying.values())))
        if lost:
            logger.warning("lost the claims of %d deliveries in flight", len(lost))
            self._wire.cancel(lost)
            self._flying = {id_: each for id_, each in self._flying.items() if id_ not in lost}


def _request(claimed: Claimed) -> Outgoing:
    timestamp = int(time.time())
    message_id = str(claimed.message_id)
    return Outgoing(
        token=claimed.delivery_id,
        url=claimed.endpoint.url,
        headers=(
            ("content-type", "application/json"),
            ("user-agent", f"Parcelwire/{settings.VERSION}"),
            ("webhook-id", message_id),
            ("webhook-timestamp", str(timestamp)),
            ("webhook-signature", signature(claimed.endpoint.secret, message_id, timestamp, claimed.body)),
            *claimed.endpoint.own_headers.items(),
        ),
        body=claimed.body,
    )


def _unknown(claimed: Claimed) -> Result:
    return Result(claimed.delivery_id, Failure.ABANDONED, None, None, b"", {}, "")
