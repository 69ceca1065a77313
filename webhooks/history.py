"""What was pushed about one parcel: every try of every message, as Ship24's history file has it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from events.writing import written
from webhooks.models import Attempt, Endpoint, Message

#: Pushes in a file; older ones are at their deliveries.
LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class History:
    """The newest pushes, newest first, and what is said of all of them.

    `url` is where the newest went; before the first, that of the merchant's newest active endpoint, if any.
    """

    url: str | None
    last_success: datetime | None
    last_failure: datetime | None
    pushes: Sequence[dict[str, Any]]


def history(merchant_id: UUID, tracker_id: UUID) -> History:
    """The history of one tracker's messages; four statements at most. What was not tried yet is not in it."""
    tries = Attempt.objects.filter(
        delivery__message__stream=tracker_id, delivery__message__merchant_id=merchant_id
    )
    ends = tries.aggregate(
        success=Max("started_at", filter=Q(error="")), failure=Max("started_at", filter=~Q(error=""))
    )
    newest = list(_newest(tries))
    bodies = _bodies({attempt.delivery.message_id for attempt in newest})
    url = newest[0].delivery.endpoint.url if newest else _url_to_be(merchant_id)
    return History(url, ends["success"], ends["failure"], [push_shape(one, bodies) for one in newest])


def push_shape(attempt: Attempt, bodies: Mapping[UUID, Any]) -> dict[str, Any]:
    """One push. Without an answer its body and status code are null; what was sent is where it is gone."""
    answered = attempt.status_code is not None
    return {
        "status": "failed" if attempt.error else "success",
        "pushTimestamp": written(attempt.started_at),
        "requestBody": bodies.get(attempt.delivery.message_id),
        "responseBody": attempt.response_body if answered else None,
        "responseHeaders": attempt.response_headers,
        "responseStatusCode": str(attempt.status_code) if answered else None,
        "webhookUrl": attempt.delivery.endpoint.url,
    }


def _newest(tries: QuerySet[Attempt]) -> QuerySet[Attempt]:
    """With delivery and endpoint; of the endpoint the URL alone, its secrets stay where they are."""
    columns = (
        "error",
        "started_at",
        "status_code",
        "response_body",
        "response_headers",
        "delivery__message_id",
        "delivery__endpoint__url",
    )
    found = tries.select_related("delivery__endpoint").only(*columns)
    return found.order_by("-started_at", "-delivery_id", "-number")[:LIMIT]


def _bodies(message_ids: set[UUID]) -> dict[UUID, Any]:
    """What was sent, by message; each is read once, however often it was sent."""
    rows = Message.objects.filter(id__in=message_ids).values_list("id", "body")
    return {id_: json.loads(bytes(body)) for id_, body in rows}


def _url_to_be(merchant_id: UUID) -> str | None:
    active = Endpoint.objects.filter(merchant_id=merchant_id, state=Endpoint.State.ACTIVE, deleted_at=None)
    return active.order_by("-id").values_list("url", flat=True).first()
