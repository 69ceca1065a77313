"""`/v1/trackers/{id}` and the poll that its merchant asks for."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import ApiView
from trackers.asking import poll_now
from trackers.presentation import polled_shape
from trackers.views.answering import data, meant


class TrackerView(ApiView):
    """`/v1/trackers/{id}`."""

    def get(self, request: Request, tracker_id: str) -> Response:
        """The tracker, both at the root and under `data`: Ship24's clients differ in where they look."""
        tracker = meant(request, tracker_id)
        shape = polled_shape(tracker, list(tracker.watches.all()))
        return Response(shape | {"data": {"tracker": shape}})


class PollView(ApiView):
    """`/v1/trackers/{id}/poll`."""

    def post(self, request: Request, tracker_id: str) -> Response:
        """Poll at once; 202."""
        tracker = meant(request, tracker_id)
        poll_now(tracker)
        fresh = meant(request, tracker_id)
        return data(202, tracker=polled_shape(fresh, list(fresh.watches.all())))
