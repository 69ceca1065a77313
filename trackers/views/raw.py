"""`/v1/trackers/{id}/raw`: what the carriers said."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import ApiView
from events.writing import written
from trackers.answers import Answer, answers_of
from trackers.filtering import told_once
from trackers.views.answering import data, meant
from webhooks.serializers import Strict


class RawQuery(Strict):
    """The query of raw answers; `after` is the last answer's `next`."""

    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)
    after = serializers.IntegerField(min_value=1, max_value=2**63 - 1, default=None)
    searchBy = serializers.CharField(required=False, allow_blank=True)  # noqa: N815 (Ship24's name)


class RawView(ApiView):
    """`/v1/trackers/{id}/raw`."""

    def get(self, request: Request, tracker_id: str) -> Response:
        """Newest first. What a house account learned was not kept."""
        query = RawQuery(data=told_once(request.query_params))
        query.is_valid(raise_exception=True)
        tracker = meant(request, tracker_id)
        wanted = query.validated_data
        answers, following = answers_of(tracker.id, limit=wanted["limit"], after=wanted["after"])
        return data(answers=[_shape(one) for one in answers], next=following and str(following))


def _shape(one: Answer) -> dict[str, object]:
    return {
        "courierCode": one.courier,
        "digest": one.digest,
        "askedAt": written(one.asked_at),
        "answer": one.answer,
        "text": one.text,
    }
