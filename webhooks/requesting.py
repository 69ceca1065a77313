"""The POST that a try consists of."""

import time

from django.conf import settings

from webhooks.claims import Claimed
from webhooks.exceptions import EndpointUnreadable
from webhooks.exchanges import Outgoing
from webhooks.headers import is_name, is_value
from webhooks.loading import is_unreadable
from webhooks.models import Endpoint
from webhooks.signing import signature


def request(claimed: Claimed) -> Outgoing:
    """The message with the endpoint's own headers, signed now. Raises EndpointUnreadable."""
    endpoint = claimed.endpoint
    if is_unreadable(endpoint):
        raise EndpointUnreadable(endpoint.id)
    timestamp = int(time.time())
    message_id = str(claimed.message_id)
    try:
        signed = signature(endpoint.secret, message_id, timestamp, claimed.body)
        own = _own_headers(endpoint)
    except ValueError:
        # Without its cause, which may quote what is secret.
        raise EndpointUnreadable(endpoint.id) from None
    return Outgoing(
        token=claimed.delivery_id,
        url=endpoint.url,
        headers=(
            ("content-type", "application/json"),
            ("user-agent", f"Parcelwire/{settings.VERSION}"),
            ("webhook-id", message_id),
            ("webhook-timestamp", str(timestamp)),
            ("webhook-signature", signed),
            *own.items(),
        ),
        body=claimed.body,
    )


def _own_headers(endpoint: Endpoint) -> dict[str, str]:
    """Raises ValueError where they are not what registering takes."""
    own: object = endpoint.own_headers
    if not isinstance(own, dict) or not all(is_name(name) and is_value(own[name]) for name in own):
        raise ValueError("no header names and values")
    return own
