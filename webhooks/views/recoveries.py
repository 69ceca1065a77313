"""Recoveries over REST."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.views import ApiView
from events.writing import written
from webhooks.models import Recovery
from webhooks.recoveries import Wanted, begin, cancel, recovery_of
from webhooks.serializers import RecoverySerializer
from webhooks.views.answering import body_of, data


class RecoverView(ApiView):
    """`/v1/webhooks/{id}/recover`."""

    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Begin to send an endpoint's deliveries of some time again."""
        wanted = Wanted(**body_of(request, RecoverySerializer))
        return data(202, recovery=recovery_shape(begin(merchant_of(request), webhook_id, wanted)))


class RecoveryView(ApiView):
    """`/v1/recoveries/{id}`."""

    def get(self, request: Request, recovery_id: UUID) -> Response:
        return data(recovery=recovery_shape(recovery_of(merchant_of(request), recovery_id)))


class RecoveryCancelView(ApiView):
    """`/v1/recoveries/{id}/cancel`."""

    def post(self, request: Request, recovery_id: UUID) -> Response:
        return data(recovery=recovery_shape(cancel(merchant_of(request), recovery_id)))


def recovery_shape(recovery: Recovery) -> dict[str, Any]:
    """A recovery and how far it is. `recoveredUntil` is null before its first batch."""
    return {
        "recoveryId": str(recovery.id),
        "webhookId": str(recovery.endpoint_id),
        "since": written(recovery.since),
        "until": written(recovery.until),
        "states": recovery.states,
        "state": recovery.state,
        "examined": recovery.examined,
        "recovered": recovery.recovered,
        "recoveredUntil": written(recovery.reached_at),
        "createdAt": written(recovery.created_at),
        "finishedAt": written(recovery.finished_at),
    }
