"""A signed message that says nothing: to see whether an endpoint takes it, or to make the endpoint active."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from uuid_utils.compat import uuid7

from accounts.errors import ApiError
from accounts.staying import stay
from events.conflicts import or_conflict
from events.writing import written
from webhooks import health, tasks
from webhooks.extra import ask
from webhooks.filters import TEST
from webhooks.models import Delivery, Endpoint, Message, Trigger
from webhooks.reading import unknown_webhook
from webhooks.showing import Shown, shown


@dataclass(frozen=True, slots=True)
class Enabling:
    """The endpoint, and the test that decides; None: it is active already."""

    shown: Shown
    delivery: Delivery | None


def send(merchant_id: UUID, endpoint_id: UUID) -> Delivery:
    """Send a test, whatever the endpoint's state and filters: one try, which changes neither.

    Raises ApiError: 401 where the merchant is deleted, 404 `webhook_not_found`, 409 `webhook_unreadable`,
    409 `request_conflict`.
    """
    return or_conflict(partial(_send, merchant_id, endpoint_id))


def enable(merchant_id: UUID, endpoint_id: UUID) -> Enabling:
    """Send a test whose arrival activates the endpoint. While one is under way there is no second.

    `webhooks.enabling` has the other half. Raises ApiError as `send` does.
    """
    return or_conflict(partial(_enable, merchant_id, endpoint_id))


def _send(merchant_id: UUID, endpoint_id: UUID) -> Delivery:
    with transaction.atomic():
        _locked(merchant_id, endpoint_id)
        return _owe(merchant_id, endpoint_id)


def _enable(merchant_id: UUID, endpoint_id: UUID) -> Enabling:
    with transaction.atomic():
        found = _locked(merchant_id, endpoint_id)
        if found.endpoint.state == Endpoint.State.ACTIVE:
            return Enabling(found, None)
        delivery = _under_way(found.endpoint)
        if delivery is None:
            delivery = _owe(merchant_id, endpoint_id)
            health.enable(endpoint_id, delivery.id)
    return Enabling(found, delivery)


def _locked(merchant_id: UUID, endpoint_id: UUID) -> Shown:
    """The merchant's endpoint, both rows locked, if it can be sent to."""
    stay(merchant_id)
    rows = Endpoint.objects.select_for_update(no_key=True)
    found = shown(rows.filter(merchant_id=merchant_id, id=endpoint_id, deleted_at=None))
    if not found:
        raise unknown_webhook()
    if found[0].header_names is None:
        message = (
            "The endpoint's secret or headers cannot be read any more, so nothing can be sent. "
            "First rotate its secret and set its headers again."
        )
        raise ApiError(409, "webhook_unreadable", message)
    return found[0]


def _under_way(endpoint: Endpoint) -> Delivery | None:
    """The test that was asked for before, if it has not ended."""
    if endpoint.enabling_by is None:
        return None
    tests = Delivery.objects.select_related("message").filter(state=Delivery.State.HELD)
    return tests.filter(id=endpoint.enabling_by).first()


def _owe(merchant_id: UUID, endpoint_id: UUID) -> Delivery:
    """Held, so that nothing but its one extra try sends it; no part of any stream: its sequence is 0."""
    message = Message.objects.create(
        id=uuid7(),
        merchant_id=merchant_id,
        type=TEST,
        stream=endpoint_id,
        sequence=0,
        body=_body(endpoint_id),
    )
    delivery = Delivery.objects.create(
        message=message, endpoint_id=endpoint_id, state=Delivery.State.HELD, trigger=Trigger.TEST
    )
    ask(delivery.id, Trigger.TEST)
    transaction.on_commit(tasks.nudge, robust=True)
    return delivery


def _body(endpoint_id: UUID) -> bytes:
    body = {"type": TEST, "timestamp": written(datetime.now(UTC)), "data": {"webhookId": str(endpoint_id)}}
    return json.dumps(body, separators=(",", ":")).encode()
