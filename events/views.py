"""`GET /v1/events`: the merchant's log."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.views import ApiView
from events.feed import page, shown


class FeedQuery(serializers.Serializer[Any]):
    """The query of the feed."""

    after = serializers.IntegerField(min_value=0, max_value=2**63 - 1, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    types = serializers.CharField(max_length=1000, default="", allow_blank=True)

    def validate_types(self, value: str) -> list[str]:
        return [kind.strip() for kind in value.split(",") if kind.strip()]


class FeedView(ApiView):
    """The change feed."""

    def get(self, request: Request) -> Response:
        query = FeedQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        found = page(merchant_of(request), **query.validated_data)
        return Response(
            {
                "data": {
                    "events": [shown(event) for event in found.events],
                    "next": str(found.next),
                    "hasMore": found.has_more,
                }
            }
        )
