"""Results: what is known of a parcel, by tracker or by number, and not again to who has it already."""

from collections.abc import Sequence
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.request import Request

from accounts.authentication import Beside, merchant_of
from accounts.errors import ApiError
from accounts.views import ApiView
from trackers.presentation import results_shape
from trackers.results import Result, about_number, about_one, mark, result, unknown
from trackers.tagging import Held, etag
from trackers.views.answering import searched_by


class ResultsView(ApiView):
    """`/v1/trackers/{id}/results`."""

    def beside_key(self, request: Request) -> Beside | None:
        """The tracker is read in the statement that looks up the key; None: `get` says what is wrong."""
        try:
            question = about_one(self.kwargs["tracker_id"], searched_by(request))
        except ApiError:
            return None
        return question.beside_key(marked=bool(_held(request)))

    def get(self, request: Request, tracker_id: str) -> HttpResponse:
        """The results of one tracker. A caller that holds an older answer costs a second statement."""
        found: Any = request.auth
        held = _held(request)
        if found and not held:
            return _whole([result(found)])
        question = about_one(tracker_id, searched_by(request))
        if found is None:
            raise unknown()
        return _unchanged(held, [mark(found)]) or _whole(_some(question.results(merchant_of(request))))


class NumberResultsView(ApiView):
    """`/v1/trackers/search/{trackingNumber}/results`."""

    def get(self, request: Request, tracking_number: str) -> HttpResponse:
        """The results of all trackers of a number, newest first; one statement, however many."""
        question, merchant_id = about_number(tracking_number), merchant_of(request)
        held = _held(request)
        unchanged = _unchanged(held, question.marks(merchant_id)) if held else None
        return unchanged or _whole(question.results(merchant_id))


def _held(request: Request) -> Held:
    return Held.read(request.headers.get("If-None-Match", ""))


def _some(found: Sequence[Result]) -> Sequence[Result]:
    """What there is. Raises ApiError 404 where it was deleted between two statements."""
    if not found:
        raise unknown()
    return found


def _unchanged(held: Held, marks: Sequence[str]) -> HttpResponse | None:
    """304, where the caller holds what it would be sent."""
    tag = etag(marks)
    if tag not in held:
        return None
    answer = HttpResponse(status=304, headers={"ETag": tag})
    del answer["Content-Type"]
    return answer


def _whole(found: Sequence[Result]) -> HttpResponse:
    """Written here: Django REST framework's renderer would ask every value what it is."""
    body = {"data": {"trackings": [results_shape(one.tracker, one.personal) for one in found]}}
    tag = etag(one.mark for one in found)
    return HttpResponse(orjson.dumps(body), content_type="application/json", headers={"ETag": tag})
