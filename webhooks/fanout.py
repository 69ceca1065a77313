"""From one piece of news to the deliveries it owes: called by whoever appends, in the same transaction."""

import struct
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from uuid_utils.compat import uuid7

from accounts import packing
from accounts.copying import Copying
from events.writing import rendered
from webhooks.filters import wants
from webhooks.models import Delivery, Endpoint

_SUBSCRIBERS = """
SELECT merchant_id, id, types, couriers, state FROM webhooks_endpoint
WHERE merchant_id = ANY(%s) AND deleted_at IS NULL ORDER BY id
"""
_MESSAGES = "id, merchant_id, stream, sequence, type, body"
#: The number of a message's columns, and those that come first, which all have one length.
_FIRST = struct.Struct("!h i16s i16s i16s ii")
# The clock, not the transaction's start: what commits later is due later, so that a lane's order holds.
_INSERT_DELIVERIES = """
INSERT INTO webhooks_delivery (id, message_id, endpoint_id, state, answers_kept, next_attempt_at)
SELECT d.id, d.message, d.endpoint, d.state, d.answers_kept,
       CASE WHEN d.state = 'pending' THEN (SELECT clock_timestamp()) END
FROM jsonb_to_recordset(%(rows)s)
    AS d (id uuid, message uuid, endpoint uuid, state text, answers_kept boolean)
"""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One message to be. `render` gives its body, and is called only if an endpoint wants it.

    `couriers` are those of the tracker it is about; `not_to` is an endpoint that is left out. What is
    answered to it is not kept where `answers_kept` is false.
    """

    id: UUID
    type: str
    stream: UUID
    sequence: int
    couriers: tuple[str, ...]
    render: Callable[[], bytes]
    not_to: UUID | None = None
    answers_kept: bool = True


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An endpoint, as far as the fan-out cares."""

    id: UUID
    types: tuple[str, ...]
    couriers: tuple[str, ...]
    active: bool

    def wants(self, news: Announcement) -> bool:
        return news.not_to != self.id and wants(self.types, self.couriers, news.type, news.couriers)


@dataclass(frozen=True, slots=True)
class Subscribers:
    """The endpoints of some merchants that are not deleted."""

    by_merchant: dict[UUID, list[Subscriber]]

    def of(self, merchant_id: UUID) -> list[Subscriber]:
        return self.by_merchant.get(merchant_id, [])


def subscribers(merchant_ids: Sequence[UUID]) -> Subscribers:
    """The endpoints of these merchants: one statement."""
    by_merchant = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_SUBSCRIBERS, [list(merchant_ids)])
        for merchant_id, id_, types, couriers, state in cursor.fetchall():
            active = state == Endpoint.State.ACTIVE
            by_merchant[merchant_id].append(Subscriber(id_, tuple(types), tuple(couriers), active))
    return Subscribers(dict(by_merchant))


@dataclass(frozen=True, slots=True)
class Owed:
    """Messages as COPY takes them, and the deliveries that they owe."""

    messages: list[bytes]
    deliveries: list[dict[str, object]]


def owed(merchant_id: UUID, to: Subscribers, news: Sequence[Announcement]) -> Owed:
    """What each announcement owes to every endpoint that wants it; asks the database nothing."""
    found = Owed([], [])
    for one in news:
        takers = [endpoint for endpoint in to.of(merchant_id) if endpoint.wants(one)]
        if takers:
            found.messages.append(_message(merchant_id, one))
            found.deliveries.extend(_delivery(one, endpoint) for endpoint in takers)
    return found


def owe(what: Owed) -> None:
    """Write it, after the append and in its transaction: two statements at most."""
    if what.messages:
        with Copying("webhooks_message", _MESSAGES) as copying:
            copying.write(b"".join(what.messages))
        with connection.cursor() as cursor:
            cursor.execute(_INSERT_DELIVERIES, {"rows": rendered(what.deliveries).decode()})


def announce(merchant_id: UUID, to: Subscribers, news: Sequence[Announcement]) -> int:
    """Owe each announcement to every endpoint that wants it: two statements at most.

    Call it after the append, in its transaction. An endpoint that is not active gets held deliveries; one
    that was deleted since `to` was read gets what the sweep cancels. Returns the number of deliveries.
    """
    what = owed(merchant_id, to, news)
    owe(what)
    return len(what.deliveries)


def _message(merchant_id: UUID, news: Announcement) -> bytes:
    first = _FIRST.pack(6, 16, news.id.bytes, 16, merchant_id.bytes, 16, news.stream.bytes, 4, news.sequence)
    return b"".join((first, packing.text(news.type), packing.octets(news.render())))


def _delivery(news: Announcement, to: Subscriber) -> dict[str, object]:
    return {
        "id": uuid7(),
        "message": news.id,
        "endpoint": to.id,
        "state": Delivery.State.PENDING.value if to.active else Delivery.State.HELD.value,
        "answers_kept": news.answers_kept,
    }
