"""How an endpoint fares, over REST."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.views import ApiView
from events.writing import written
from webhooks.reading import endpoint_of
from webhooks.stats import Stats, Window, stats_of
from webhooks.views.answering import data


class StatsView(ApiView):
    """`/v1/webhooks/{id}/stats`."""

    def get(self, request: Request, webhook_id: UUID) -> Response:
        endpoint = endpoint_of(merchant_of(request), webhook_id).endpoint
        return data(stats={"webhookId": str(endpoint.id)} | stats_shape(stats_of(endpoint.id)))


def stats_shape(stats: Stats) -> dict[str, Any]:
    return {
        "windows": [window_shape(one) for one in stats.windows],
        "pending": stats.pending,
        "held": stats.held,
        "oldestDueAt": written(stats.oldest_due_at),
    }


def window_shape(window: Window) -> dict[str, Any]:
    return {
        "window": window.name,
        "since": written(window.since),
        "attempts": window.succeeded + window.failed,
        "succeeded": window.succeeded,
        "failed": window.failed,
        "errors": window.errors,
        "averageMs": window.average_ms,
        "slowestMs": window.slowest_ms,
    }
