"""Trackers over REST, in Ship24's shapes."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import merchant_of
from accounts.errors import ApiError
from trackers.asking import poll_now
from trackers.creating import create
from trackers.presentation import polled_shape, results_shape
from trackers.reading import page_of, personal_data_of, tracker_of
from trackers.serializers import ListQuery, TrackerCreateSerializer


class TrackersView(APIView):
    """`/v1/trackers`."""

    def post(self, request: Request) -> Response:
        """Create a tracker. A repeat of the same payload answers 201 with the tracker that is there."""
        if not isinstance(request.data, dict):
            raise ApiError(400, "validation_error", "The body is not a JSON object.")
        body = TrackerCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        tracker = create(merchant_of(request), TrackerCreateSerializer.wishes(body.validated_data))
        return _data(201, tracker=polled_shape(tracker, list(tracker.watches.all())))

    def get(self, request: Request) -> Response:
        query = ListQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        trackers = page_of(merchant_of(request), **query.validated_data)
        return _data(trackers=[polled_shape(one, list(one.watches.all())) for one in trackers])


class TrackerView(APIView):
    """`/v1/trackers/{id}`."""

    def get(self, request: Request, tracker_id: str) -> Response:
        """The tracker, both at the root and under `data`: Ship24's clients differ in where they look."""
        tracker = tracker_of(merchant_of(request), tracker_id)
        shape = polled_shape(tracker, list(tracker.watches.all()))
        return Response(shape | {"data": {"tracker": shape}})


class ResultsView(APIView):
    """`/v1/trackers/{id}/results`."""

    def get(self, request: Request, tracker_id: str) -> Response:
        tracker = tracker_of(merchant_of(request), tracker_id)
        return _data(trackings=[results_shape(tracker, personal_data_of(tracker))])


class PollView(APIView):
    """`/v1/trackers/{id}/poll`."""

    def post(self, request: Request, tracker_id: str) -> Response:
        """Poll at once; 202."""
        tracker = tracker_of(merchant_of(request), tracker_id)
        poll_now(tracker)
        fresh = tracker_of(merchant_of(request), tracker_id)
        return _data(202, tracker=polled_shape(fresh, list(fresh.watches.all())))


def _data(status: int = 200, /, **data: Any) -> Response:
    return Response({"data": data}, status=status)
