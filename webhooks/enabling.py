"""What the end of a test means for its endpoint. `webhooks.testing` has the beginning."""

from functools import partial
from uuid import UUID

from django.db import transaction

from events.writing import written
from webhooks import health, holding
from webhooks.facts import EndpointRecovered
from webhooks.models import Endpoint
from webhooks.news import News, tell


def tested(merchant_id: UUID, endpoint_id: UUID, delivery_id: UUID, arrived: bool) -> None:  # noqa: FBT001
    """A test was settled, in the caller's transaction, which holds the delivery's row and no endpoint's.

    Of a test that was to decide: if it arrived, the endpoint is active, and what is held is released after
    the commit, the oldest first; of a disabled one the merchant's other endpoints are told. If it failed, the
    endpoint stays what it is. Any other test changes nothing.

    Called by the pump, which looks for work again right after it: nothing here needs to nudge.
    """
    rows = Endpoint.objects.select_for_update(no_key=True).only("state", "disabled_reason", "disabled_at")
    endpoint = rows.filter(merchant_id=merchant_id, id=endpoint_id, enabling_by=delivery_id).first()
    if endpoint is None:
        return
    if not arrived:
        health.withdraw(endpoint_id, delivery_id)
    elif health.activate(endpoint_id, delivery_id):
        if endpoint.state == Endpoint.State.DISABLED:
            tell(merchant_id, [_recovered(endpoint, delivery_id)])
        transaction.on_commit(partial(holding.release, endpoint_id), robust=True)


def _recovered(endpoint: Endpoint, delivery_id: UUID) -> News:
    fact = EndpointRecovered(
        webhook_id=str(endpoint.id),
        reason=endpoint.disabled_reason,
        disabled_since=written(endpoint.disabled_at),
        delivery_id=str(delivery_id),
    )
    return News(endpoint.id, fact)
