"""Endpoints over REST."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.errors import ApiError
from accounts.views import ApiView
from webhooks import holding
from webhooks.editing import edit
from webhooks.exceptions import AlreadyRegistered
from webhooks.presentation import webhook_shape, with_keys
from webhooks.reading import endpoint_of, endpoints_of, unknown_webhook
from webhooks.registering import register
from webhooks.serializers import PageQuery, WebhookSerializer, WebhookUpdateSerializer
from webhooks.showing import Shown
from webhooks.views.answering import body_of, cursor, data


class WebhooksView(ApiView):
    """`/v1/webhooks`."""

    def post(self, request: Request) -> Response:
        """Register an endpoint. The secret is in this answer and in no other."""
        wishes = WebhookSerializer.wishes(body_of(request, WebhookSerializer))
        try:
            endpoint = register(merchant_of(request), wishes)
        except AlreadyRegistered:
            raise _conflict() from None
        return data(201, webhook=with_keys(webhook_shape(Shown.fresh(endpoint)), endpoint.keys))

    def get(self, request: Request) -> Response:
        query = PageQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        endpoints, following = endpoints_of(merchant_of(request), **query.validated_data)
        return data(webhooks=[webhook_shape(one) for one in endpoints], next=cursor(following))


class WebhookView(ApiView):
    """`/v1/webhooks/{id}`."""

    def get(self, request: Request, webhook_id: UUID) -> Response:
        return data(webhook=webhook_shape(endpoint_of(merchant_of(request), webhook_id)))

    def patch(self, request: Request, webhook_id: UUID) -> Response:
        """Change an endpoint. Keys are in the answer where another kind of signature made them."""
        wishes = WebhookSerializer.wishes(body_of(request, WebhookUpdateSerializer))
        merchant_id = merchant_of(request)
        try:
            keys = edit(merchant_id, webhook_id, wishes)
        except AlreadyRegistered:
            raise _conflict() from None
        shape = webhook_shape(endpoint_of(merchant_id, webhook_id))
        return data(webhook=with_keys(shape, keys) if keys else shape)

    def delete(self, request: Request, webhook_id: UUID) -> Response:
        """Gone at once; what it is owed is cancelled."""
        if not holding.delete(merchant_of(request), webhook_id):
            raise unknown_webhook()
        return Response(status=204)


def _conflict() -> ApiError:
    message = "url: it is registered already with the same types and couriers."
    return ApiError(409, "webhook_conflict", message)
