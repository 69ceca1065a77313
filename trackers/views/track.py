"""`/v1/trackers/track`: create, and know at once."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.views import ApiView
from trackers.presentation import results_shape
from trackers.reading import SearchBy
from trackers.results import about_one
from trackers.serializers import TrackerCreateSerializer
from trackers.tracking import track
from trackers.views.answering import data


class TrackView(ApiView):
    """`/v1/trackers/track`."""

    holds_transaction: ClassVar[bool] = False

    def post(self, request: Request) -> Response:
        """The tracker's results: awaited by the call that creates it, as they stand for every later one."""
        body = TrackerCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        merchant_id = merchant_of(request)
        tracker_id = track(merchant_id, TrackerCreateSerializer.wishes(body.validated_data))
        found = about_one(str(tracker_id), SearchBy.TRACKER_ID).results(merchant_id)
        return data(trackings=[results_shape(one.tracker, one.personal) for one in found])
