from django.urls import path

from trackers.views.collection import TrackersView
from trackers.views.results import ResultsView
from trackers.views.tracker import PollView, TrackerView

urlpatterns = [
    path("trackers", TrackersView.as_view(), name="trackers"),
    path("trackers/<str:tracker_id>", TrackerView.as_view(), name="tracker"),
    path("trackers/<str:tracker_id>/results", ResultsView.as_view(), name="tracker-results"),
    path("trackers/<str:tracker_id>/poll", PollView.as_view(), name="tracker-poll"),
]
