"""Fresh keys of an endpoint over REST."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.views import ApiView
from webhooks.presentation import webhook_shape, with_keys
from webhooks.reading import endpoint_of
from webhooks.rotating import rotate
from webhooks.serializers import RotationSerializer
from webhooks.views.answering import body_of, data


class RotateSecretView(ApiView):
    """`/v1/webhooks/{id}/rotate-secret`."""

    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Replace the secret, or the pair of keys. The new ones are in this answer and in no other."""
        merchant_id = merchant_of(request)
        overlap = body_of(request, RotationSerializer, optional=True)["overlapSeconds"]
        keys = rotate(merchant_id, webhook_id, overlap)
        return data(webhook=with_keys(webhook_shape(endpoint_of(merchant_id, webhook_id)), keys))
