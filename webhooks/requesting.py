"""The POST that a try consists of."""

import time

from django.conf import settings

from webhooks.claims import Claimed
from webhooks.exceptions import EndpointUnreadable
from webhooks.exchanges import Outgoing
from webhooks.loading import is_unreadable

_USER_AGENT = f"Parcelwire/{settings.VERSION}"


def request(claimed: Claimed) -> Outgoing:
    """The message with the endpoint's own headers, signed now. Raises EndpointUnreadable.

    Old secrets sign it too where they counted when the try began, by the database's clock.
    """
    endpoint = claimed.endpoint
    if is_unreadable(endpoint):
        raise EndpointUnreadable(endpoint.id)
    timestamp = int(time.time())
    message_id = str(claimed.message_id)
    try:
        signed = endpoint.keyring.sign(message_id, timestamp, claimed.body, now=claimed.started_at)
        own = endpoint.own_headers
    except ValueError:
        # Without its cause, which may quote what is secret.
        raise EndpointUnreadable(endpoint.id) from None
    return Outgoing(
        token=claimed.delivery_id,
        url=endpoint.url,
        headers=(
            ("content-type", "application/json"),
            ("user-agent", _USER_AGENT),
            ("webhook-id", message_id),
            ("webhook-timestamp", str(timestamp)),
            ("webhook-signature", signed),
            *own.items(),
        ),
        body=claimed.body,
    )
