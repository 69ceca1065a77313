"""Endpoints, deliveries and attempts as the API shows them."""

from typing import Any

from events.writing import written
from webhooks.filters import is_about_parcel
from webhooks.health import Reason
from webhooks.keyring import Keys
from webhooks.models import Attempt, Delivery, Endpoint, Signature
from webhooks.showing import Shown


def webhook_shape(shown: Shown) -> dict[str, Any]:
    """An endpoint. Of its headers only the names: the values are never shown again, nor is the secret.

    An active one that nothing can be sent to is shown as what the first try will make of it.
    """
    endpoint, names = shown.endpoint, shown.header_names
    state, reason = endpoint.state, endpoint.disabled_reason or None
    if names is None and state == Endpoint.State.ACTIVE:
        state, reason = Endpoint.State.DISABLED.value, Reason.SECRET_UNREADABLE.value
    return {
        "webhookId": str(endpoint.id),
        "url": endpoint.url,
        "types": endpoint.types,
        "couriers": endpoint.couriers,
        "description": endpoint.description,
        "headers": None if names is None else dict.fromkeys(names),
        "retrySchedule": endpoint.retry_schedule,
        "ordered": endpoint.ordered,
        "maxInFlight": endpoint.max_in_flight,
        "rateLimit": endpoint.rate_limit,
        "signature": endpoint.signature,
        "publicKey": endpoint.public_key or None,
        "state": state,
        "disabledReason": reason,
        "failingSince": written(endpoint.failing_since),
        "createdAt": written(endpoint.created_at),
    }


def with_keys(shape: dict[str, Any], keys: Keys) -> dict[str, Any]:
    """An endpoint with its fresh keys, this once: the secret of v1, of v1a the public key alone."""
    own = {"signature": keys.signature, "publicKey": keys.public_key or None}
    secret = {"secret": keys.secret} if keys.signature == Signature.V1 else {}
    return shape | own | secret


def delivery_shape(delivery: Delivery) -> dict[str, Any]:
    """A delivery, with its message's type and place."""
    message = delivery.message
    return {
        "deliveryId": str(delivery.id),
        "messageId": str(message.id),
        "type": message.type,
        "trackerId": str(message.stream) if is_about_parcel(message.type) else None,
        "sequence": message.sequence,
        "state": delivery.state,
        "attemptCount": delivery.attempt_count,
        "nextAttemptAt": written(delivery.next_attempt_at),
        "createdAt": written(delivery.created_at),
        "deliveredAt": written(delivery.delivered_at),
    }


def attempt_shape(attempt: Attempt) -> dict[str, Any]:
    """One try. `durationMs` is null where the sender died in it."""
    return {
        "number": attempt.number,
        "trigger": attempt.trigger,
        "startedAt": written(attempt.started_at),
        "durationMs": attempt.duration_ms,
        "statusCode": attempt.status_code,
        "error": attempt.error or None,
        "responseBody": attempt.response_body,
        "responseHeaders": attempt.response_headers,
        "address": attempt.address or None,
    }
