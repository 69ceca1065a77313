"""`/v1/trackers`: create and list, in Ship24's shapes."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.errors import ApiError
from accounts.views import ApiView
from trackers.creating import create
from trackers.presentation import polled_shape
from trackers.reading import page_of
from trackers.serializers import ListQuery, TrackerCreateSerializer
from trackers.views.answering import data


class TrackersView(ApiView):
    """`/v1/trackers`."""

    def post(self, request: Request) -> Response:
        """Create a tracker. A repeat of the same payload answers 201 with the tracker that is there."""
        if not isinstance(request.data, dict):
            raise ApiError(400, "validation_error", "The body is not a JSON object.")
        body = TrackerCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        tracker = create(merchant_of(request), TrackerCreateSerializer.wishes(body.validated_data))
        return data(201, tracker=polled_shape(tracker, list(tracker.watches.all())))

    def get(self, request: Request) -> Response:
        query = ListQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        trackers = page_of(merchant_of(request), **query.validated_data)
        return data(trackers=[polled_shape(one, list(one.watches.all())) for one in trackers])
