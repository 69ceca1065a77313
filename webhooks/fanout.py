"""From one piece of news to the deliveries it owes: called by whoever appends, in the same transaction."""

import base64
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from uuid_utils.compat import uuid7

from webhooks.filters import wants
from webhooks.models import Delivery, Endpoint

_INSERT_MESSAGES = """
INSERT INTO webhooks_message (id, merchant_id, type, stream, sequence, body)
SELECT m.id, %(merchant)s, m.type, m.stream, m.sequence, decode(m.body, 'base64')
FROM jsonb_to_recordset(%(rows)s) AS m (id uuid, type text, stream uuid, sequence integer, body text)
"""

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
    rows = Endpoint.objects.filter(merchant_id__in=merchant_ids, deleted_at=None).values_list(
        "merchant_id", "id", "types", "couriers", "state"
    )
    by_merchant = defaultdict(list)
    for merchant_id, id_, types, couriers, state in rows.order_by("id"):
        active = state == Endpoint.State.ACTIVE
        by_merchant[merchant_id].append(Subscriber(id_, tuple(types), tuple(couriers), active))
    return Subscribers(dict(by_merchant))


def announce(merchant_id: UUID, to: Subscribers, news: Sequence[Announcement]) -> int:
    """Owe each announcement to every endpoint that wants it: two statements at most.

    Call it after the append, in its transaction. An endpoint that is not active gets held deliveries; one
    that was deleted since `to` was read gets what the sweep cancels. Returns the number of deliveries.
    """
    messages, deliveries = [], []
    for one in news:
        takers = [endpoint for endpoint in to.of(merchant_id) if endpoint.wants(one)]
        if takers:
            messages.append(_message(one))
            deliveries += [_delivery(one, endpoint) for endpoint in takers]
    if messages:
        with connection.cursor() as cursor:
            cursor.execute(_INSERT_MESSAGES, {"merchant": merchant_id, "rows": json.dumps(messages)})
            cursor.execute(_INSERT_DELIVERIES, {"rows": json.dumps(deliveries)})
    return len(deliveries)


def _message(news: Announcement) -> dict[str, object]:
    return {
        "id": str(news.id),
        "type": news.type,
        "stream": str(news.stream),
        "sequence": news.sequence,
        "body": base64.b64encode(news.render()).decode(),
    }


def _delivery(news: Announcement, to: Subscriber) -> dict[str, object]:
    return {
        "id": str(uuid7()),
        "message": str(news.id),
        "endpoint": str(to.id),
        "state": Delivery.State.PENDING if to.active else Delivery.State.HELD,
        "answers_kept": news.answers_kept,
    }
