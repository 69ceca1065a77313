"""`/v1/tracking/search`: what the carriers know now, without a tracker."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.views import ApiView
from trackers.searching import search
from trackers.serializers import SearchSerializer
from trackers.views.answering import data


class TrackingSearchView(ApiView):
    """`/v1/tracking/search`."""

    holds_transaction: ClassVar[bool] = False

    def post(self, request: Request) -> Response:
        """Ask the carriers; 201, though nothing is created: Ship24's own status."""
        body = SearchSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wishes = SearchSerializer.wishes(body.validated_data)
        return data(201, trackings=[search(merchant_of(request), wishes)])
