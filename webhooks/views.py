"""Endpoints and deliveries over REST."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.errors import ApiError
from accounts.views import ApiView
from webhooks import holding
from webhooks.exceptions import AlreadyRegistered
from webhooks.presentation import attempt_shape, delivery_shape, webhook_shape
from webhooks.reading import deliveries_of, delivery_of, endpoint_of, endpoints_of, unknown_webhook
from webhooks.registering import register
from webhooks.serializers import DeliveriesQuery, PageQuery, WebhookSerializer
from webhooks.showing import Shown


class WebhooksView(ApiView):
    """`/v1/webhooks`."""

    def post(self, request: Request) -> Response:
        """Register an endpoint. The secret is in this answer and in no other."""
        if not isinstance(request.data, dict):
            raise ApiError(400, "validation_error", "The body is not a JSON object.")
        body = WebhookSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            endpoint = register(merchant_of(request), WebhookSerializer.wishes(body.validated_data))
        except AlreadyRegistered:
            message = "url: it is registered already with the same types and couriers."
            raise ApiError(409, "webhook_conflict", message) from None
        return _data(201, webhook=webhook_shape(Shown.fresh(endpoint)) | {"secret": endpoint.secret})

    def get(self, request: Request) -> Response:
        query = PageQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        endpoints, following = endpoints_of(merchant_of(request), **query.validated_data)
        return _data(webhooks=[webhook_shape(one) for one in endpoints], next=_cursor(following))


class WebhookView(ApiView):
    """`/v1/webhooks/{id}`."""

    def get(self, request: Request, webhook_id: UUID) -> Response:
        return _data(webhook=webhook_shape(endpoint_of(merchant_of(request), webhook_id)))

    def delete(self, request: Request, webhook_id: UUID) -> Response:
        """Gone at once; what it is owed is cancelled."""
        if not holding.delete(merchant_of(request), webhook_id):
            raise unknown_webhook()
        return Response(status=204)


class DeliveriesView(ApiView):
    """`/v1/webhooks/{id}/deliveries`."""

    def get(self, request: Request, webhook_id: UUID) -> Response:
        endpoint = endpoint_of(merchant_of(request), webhook_id).endpoint
        query = DeliveriesQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        deliveries, following = deliveries_of(endpoint, **query.validated_data)
        return _data(deliveries=[delivery_shape(one) for one in deliveries], next=_cursor(following))


class DeliveryView(ApiView):
    """`/v1/deliveries/{id}`."""

    def get(self, request: Request, delivery_id: UUID) -> Response:
        """One delivery with its body, as it is sent, and every try."""
        delivery = delivery_of(merchant_of(request), delivery_id)
        shape = delivery_shape(delivery) | {
            "body": bytes(delivery.message.body).decode(errors="replace"),
            "attempts": [attempt_shape(one) for one in delivery.attempts.order_by("number")],
        }
        return _data(delivery=shape)


def _cursor(following: UUID | None) -> str | None:
    return str(following) if following else None


def _data(status: int = 200, /, **data: Any) -> Response:
    return Response({"data": data}, status=status)
