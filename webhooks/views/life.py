"""An endpoint's life over REST: a test, rest, and going on."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.views import ApiView
from webhooks import pausing, testing
from webhooks.presentation import delivery_shape, webhook_shape
from webhooks.reading import endpoint_of
from webhooks.views.answering import data


class WebhookTestView(ApiView):
    """`/v1/webhooks/{id}/test`."""

    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send a signed test. It is on its way: its delivery tells what came of it."""
        return data(202, delivery=delivery_shape(testing.send(merchant_of(request), webhook_id)))


class WebhookPauseView(ApiView):
    """`/v1/webhooks/{id}/pause`."""

    def post(self, request: Request, webhook_id: UUID) -> Response:
        pausing.pause(merchant_of(request), webhook_id)
        return data(webhook=webhook_shape(endpoint_of(merchant_of(request), webhook_id)))


class WebhookEnableView(ApiView):
    """`/v1/webhooks/{id}/enable`."""

    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send the test whose arrival makes it active; 200 where it is so already."""
        enabling = testing.enable(merchant_of(request), webhook_id)
        webhook = webhook_shape(enabling.shown)
        if enabling.delivery is None:
            return data(webhook=webhook, delivery=None)
        return data(202, webhook=webhook, delivery=delivery_shape(enabling.delivery))
