"""An endpoint rests, because its merchant wishes so."""

from functools import partial
from uuid import UUID

from events.conflicts import or_conflict
from webhooks import health, holding
from webhooks.reading import unknown_webhook


def pause(merchant_id: UUID, endpoint_id: UUID) -> None:
    """Send nothing to it from now on; tries under way end by themselves. Pausing twice changes nothing more.

    A disabled one stays disabled. A test that was to make it active does so no more. Raises ApiError: 404
    `webhook_not_found`, 409 `request_conflict`.
    """
    or_conflict(partial(_pause, merchant_id, endpoint_id))


def _pause(merchant_id: UUID, endpoint_id: UUID) -> None:
    if not health.pause(merchant_id, endpoint_id):
        raise unknown_webhook()
    holding.hold(endpoint_id)
