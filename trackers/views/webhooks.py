"""What webhooks did with a tracker's news: told again, and told as a file."""

import re
from datetime import UTC, datetime

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.errors import ApiError
from accounts.views import ApiView
from events.writing import written
from trackers.models import Tracker
from trackers.views.answering import data, meant
from webhooks.exceptions import NoActiveEndpoint
from webhooks.history import history
from webhooks.resending import resend


class ResendView(ApiView):
    """`/v1/trackers/{id}/webhook-events/resend`."""

    def post(self, request: Request, tracker_id: str) -> Response:
        """Send every stored message of the tracker again; 201. The count is a string, as Ship24 has it."""
        tracker = meant(request, tracker_id)
        couriers = [watch.courier for watch in tracker.watches.all()]
        try:
            count = resend(merchant_of(request), tracker.id, couriers)
        except NoActiveEndpoint as refused:
            raise ApiError(400, "webhook_url_missing", str(refused.__doc__)) from None
        return data(201, summary={"totalResent": str(count)})


class HistoryView(ApiView):
    """`/v1/trackers/{id}/webhook-history/download`."""

    def get(self, request: Request, tracker_id: str) -> Response:
        """A file: the newest pushes, newest first."""
        tracker = meant(request, tracker_id)
        found = history(merchant_of(request), tracker.id)
        metadata = {
            "trackingNumber": tracker.tracking_number,
            "trackerId": str(tracker.id),
            "clientTrackerId": tracker.client_tracker_id,
            "webhookUrl": found.url,
            "lastSuccessfulPushAt": written(found.last_success),
            "lastFailedPushAt": written(found.last_failure),
        }
        headers = {
            "Content-Disposition": f'attachment; filename="{_file_name(tracker)}"',
            "Access-Control-Expose-Headers": "Content-Disposition",
        }
        return Response({"metadata": metadata, "webhooks": found.pushes}, headers=headers)


def _file_name(tracker: Tracker) -> str:
    """Ship24's, where every character that a file system might take for something else is `_`."""
    number = re.sub(r"[^A-Za-z0-9._-]", "_", tracker.tracking_number)
    return f"webhook-history-{number}-{datetime.now(UTC):%Y%m%d}.json"
