from django.urls import path

from trackers.views.accounts import (
    AccountKeyView,
    AccountPauseView,
    AccountResumeView,
    AccountsView,
    AccountTestView,
    AccountView,
)
from trackers.views.bulk import BulkView
from trackers.views.collection import TrackersView
from trackers.views.couriers import CouriersView, DetectView
from trackers.views.export import ExportView
from trackers.views.push import PushView
from trackers.views.raw import RawView
from trackers.views.results import NumberResultsView, ResultsView
from trackers.views.search import TrackingSearchView
from trackers.views.stop import DeleteView, StopView
from trackers.views.track import TrackView
from trackers.views.tracker import EraseView, PollView, RetrackView, TrackerView
from trackers.views.tracking_page import LogoView, RenewLinksView, TrackingPageView
from trackers.views.webhooks import HistoryView, ResendView

urlpatterns = [
    path("couriers", CouriersView.as_view(), name="couriers"),
    path("couriers/detect", DetectView.as_view(), name="couriers-detect"),
    path("tracking/search", TrackingSearchView.as_view(), name="tracking-search"),
    path("trackers", TrackersView.as_view(), name="trackers"),
    path("trackers/track", TrackView.as_view(), name="trackers-track"),
    path("trackers/bulk", BulkView.as_view(), name="trackers-bulk"),
    path("trackers/stop", StopView.as_view(), name="trackers-stop"),
    path("trackers/delete", DeleteView.as_view(), name="trackers-delete"),
    path("trackers/<str:tracker_id>", TrackerView.as_view(), name="tracker"),
    path("trackers/<str:tracker_id>/results", ResultsView.as_view(), name="tracker-results"),
    # A tracking number may hold a slash.
    path(
        "trackers/search/<path:tracking_number>/results",
        NumberResultsView.as_view(),
        name="number-results",
    ),
    path("trackers/<str:tracker_id>/raw", RawView.as_view(), name="tracker-raw"),
    path("export", ExportView.as_view(), name="export"),
    path("trackers/<str:tracker_id>/poll", PollView.as_view(), name="tracker-poll"),
    path("trackers/<str:tracker_id>/retrack", RetrackView.as_view(), name="tracker-retrack"),
    path("trackers/<str:tracker_id>/erase", EraseView.as_view(), name="tracker-erase"),
    path("trackers/<str:tracker_id>/webhook-events/resend", ResendView.as_view(), name="tracker-resend"),
    path("trackers/<str:tracker_id>/webhook-history/download", HistoryView.as_view(), name="tracker-history"),
    path("tracking-page", TrackingPageView.as_view(), name="tracking-page"),
    path("tracking-page/logo", LogoView.as_view(), name="tracking-page-logo"),
    path("tracking-page/renew-links", RenewLinksView.as_view(), name="tracking-page-renew-links"),
    path("carrier-accounts", AccountsView.as_view(), name="carrier-accounts"),
    path("carrier-accounts/<uuid:carrier_account_id>", AccountView.as_view(), name="carrier-account"),
    path(
        "carrier-accounts/<uuid:carrier_account_id>/test",
        AccountTestView.as_view(),
        name="carrier-account-test",
    ),
    path(
        "carrier-accounts/<uuid:carrier_account_id>/key", AccountKeyView.as_view(), name="carrier-account-key"
    ),
    path(
        "carrier-accounts/<uuid:carrier_account_id>/pause",
        AccountPauseView.as_view(),
        name="carrier-account-pause",
    ),
    path(
        "carrier-accounts/<uuid:carrier_account_id>/resume",
        AccountResumeView.as_view(),
        name="carrier-account-resume",
    ),
    path("carriers/<str:courier>/push/<str:token>", PushView.as_view(), name="carrier-push"),
]
