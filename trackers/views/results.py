"""`/v1/trackers/{id}/results`: what is known of the parcel."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import ApiView
from trackers.presentation import results_shape
from trackers.reading import personal_data_of
from trackers.views.answering import data, meant


class ResultsView(ApiView):
    """`/v1/trackers/{id}/results`."""

    def get(self, request: Request, tracker_id: str) -> Response:
        tracker = meant(request, tracker_id)
        return data(trackings=[results_shape(tracker, personal_data_of(tracker))])
