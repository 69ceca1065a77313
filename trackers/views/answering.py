"""What the views of trackers share: whom a path means, and the envelope of answers."""

from collections.abc import Iterable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.errors import ApiError
from trackers.models import Tracker
from trackers.page.links import links_for
from trackers.presentation import polled_shape
from trackers.reading import SearchBy, tracker_of


def meant(request: Request, given: str) -> Tracker:
    """The caller's tracker that a path names, by `searchBy`.

    Raises ApiError: 404 `tracker_not_found`, 400 `validation_error` for an unknown `searchBy`.
    """
    return tracker_of(merchant_of(request), given, searched_by(request))


def searched_by(request: Request) -> SearchBy:
    """What the id in the path is. Raises ApiError: 400 `validation_error` for an unknown `searchBy`."""
    by = request.query_params.get("searchBy") or SearchBy.TRACKER_ID
    if by not in list(SearchBy):
        raise ApiError(400, "validation_error", f"searchBy: expected one of {', '.join(SearchBy)}.")
    return SearchBy(by)


def shown(request: Request, trackers: Iterable[Tracker]) -> list[dict[str, Any]]:
    """The caller's trackers as they are answered one by one. Their watches are read if they were not yet."""
    links = links_for(request)
    return [polled_shape(one, list(one.watches.all()), links.to(one)) for one in trackers]


def data(status: int = 200, /, **fields: Any) -> Response:
    """An answer with these fields under `data`."""
    return Response({"data": fields}, status=status)
