"""`/v1/trackers/stop` and `/v1/trackers/delete`: many trackers in one call."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.views import ApiView
from trackers.choosing import Chosen, Done, chosen
from trackers.deleting import delete
from trackers.serializers import ChoiceSerializer
from trackers.stopping import stop
from trackers.views.answering import data


class StopView(ApiView):
    """`/v1/trackers/stop`."""

    #: Batches are transactions of their own; who repeats the call goes on where it ended.
    holds_transaction: ClassVar[bool] = False

    def post(self, request: Request) -> Response:
        """Unsubscribe them; how many were subscribed."""
        choice = _choice(request)
        done = stop(choice)
        return _told(choice, done, stopped=done.changed)


class DeleteView(ApiView):
    """`/v1/trackers/delete`."""

    holds_transaction: ClassVar[bool] = False

    def post(self, request: Request) -> Response:
        """Delete them; how many there were."""
        choice = _choice(request)
        done = delete(choice)
        return _told(choice, done, deleted=done.changed)


def _choice(request: Request) -> Chosen:
    body = ChoiceSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    return chosen(merchant_of(request), body.validated_data)


def _told(choice: Chosen, done: Done, **changed: int) -> Response:
    summary = {"matched": done.matched, **changed, "unknown": list(choice.unknown)}
    return data(summary=summary, hasMore=done.has_more)
