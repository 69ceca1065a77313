"""`/v1/trackers/{id}`, and the poll and the erasure that its merchant asks for."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import ApiView
from trackers.asking import poll_now
from trackers.choosing import only
from trackers.deleting import delete
from trackers.erasing import erase
from trackers.models import Tracker
from trackers.reading import tracker_of
from trackers.serializers import TrackerUpdateSerializer
from trackers.updating import update
from trackers.views.answering import data, meant, shown


class TrackerView(ApiView):
    """`/v1/trackers/{id}`."""

    def get(self, request: Request, tracker_id: str) -> Response:
        """The tracker, and how asking goes."""
        return _twice(request, meant(request, tracker_id))

    def patch(self, request: Request, tracker_id: str) -> Response:
        """Change what the merchant knows of the parcel, or whether it is followed."""
        body = TrackerUpdateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        tracker = meant(request, tracker_id)
        update(tracker.merchant_id, tracker.id, TrackerUpdateSerializer.wishes(body.validated_data))
        return _twice(request, tracker_of(tracker.merchant_id, str(tracker.id)))

    def delete(self, request: Request, tracker_id: str) -> Response:
        """Delete the tracker; the log keeps its events."""
        delete(only(meant(request, tracker_id)))
        return Response(status=204)


class PollView(ApiView):
    """`/v1/trackers/{id}/poll`."""

    def post(self, request: Request, tracker_id: str) -> Response:
        """Poll at once; 202."""
        tracker = meant(request, tracker_id)
        poll_now(tracker)
        fresh = meant(request, tracker_id)
        return data(202, tracker=_shape(request, fresh))


class RetrackView(ApiView):
    """`/v1/trackers/{id}/retrack`."""

    def post(self, request: Request, tracker_id: str) -> Response:
        """Take up the tracker again, if nobody asks for it any more."""
        tracker = meant(request, tracker_id)
        update(tracker.merchant_id, tracker.id, {"is_subscribed": True})
        fresh = tracker_of(tracker.merchant_id, str(tracker.id))
        return data(tracker=_shape(request, fresh))


class EraseView(ApiView):
    """`/v1/trackers/{id}/erase`."""

    def post(self, request: Request, tracker_id: str) -> Response:
        """Erase what is personal; the tracker goes on."""
        tracker = meant(request, tracker_id)
        erase(tracker.merchant_id, tracker.id)
        fresh = tracker_of(tracker.merchant_id, str(tracker.id))
        return data(tracker=_shape(request, fresh))


def _twice(request: Request, tracker: Tracker) -> Response:
    """The tracker, both at the root and under `data`: Ship24's clients differ in where they look."""
    shape = _shape(request, tracker)
    return Response(shape | {"data": {"tracker": shape}})


def _shape(request: Request, tracker: Tracker) -> dict[str, Any]:
    (shape,) = shown(request, [tracker])
    return shape
