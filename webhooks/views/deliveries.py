"""Deliveries over REST."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.views import ApiView
from webhooks.presentation import attempt_shape, delivery_shape
from webhooks.reading import deliveries_of, delivery_of, endpoint_of
from webhooks.resending_one import resend_one
from webhooks.serializers import DeliveriesQuery
from webhooks.views.answering import cursor, data


class DeliveriesView(ApiView):
    """`/v1/webhooks/{id}/deliveries`."""

    def get(self, request: Request, webhook_id: UUID) -> Response:
        endpoint = endpoint_of(merchant_of(request), webhook_id).endpoint
        query = DeliveriesQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        deliveries, following = deliveries_of(endpoint, **query.validated_data)
        return data(deliveries=[delivery_shape(one) for one in deliveries], next=cursor(following))


class DeliveryView(ApiView):
    """`/v1/deliveries/{id}`."""

    def get(self, request: Request, delivery_id: UUID) -> Response:
        """One delivery with its body, as it is sent, and every try."""
        delivery = delivery_of(merchant_of(request), delivery_id)
        attempts = [attempt_shape(one) for one in delivery.attempts.order_by("number")]
        if delivery.attempt_count and not attempts:
            # The first is under way, or all were removed just now together with their delivery.
            delivery = delivery_of(merchant_of(request), delivery_id)
        shape = delivery_shape(delivery) | {
            "body": bytes(delivery.message.body).decode(errors="replace"),
            "attempts": attempts,
        }
        return data(delivery=shape)


class ResendView(ApiView):
    """`/v1/deliveries/{id}/resend`."""

    def post(self, request: Request, delivery_id: UUID) -> Response:
        """Try a delivery once more, besides its schedule."""
        return data(202, delivery=delivery_shape(resend_one(merchant_of(request), delivery_id)))
