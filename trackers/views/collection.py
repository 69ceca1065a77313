"""`/v1/trackers`: create and list, in Ship24's shapes."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.errors import ApiError
from accounts.views import ApiView
from trackers.creating import create
from trackers.filtering import told_once
from trackers.listing import ListQuery, Place, page
from trackers.serializers import TrackerCreateSerializer
from trackers.views.answering import data, shown


class TrackersView(ApiView):
    """`/v1/trackers`."""

    def post(self, request: Request) -> Response:
        """Create a tracker. A repeat of the same payload answers 201 with the tracker that is there."""
        if not isinstance(request.data, dict):
            raise ApiError(400, "validation_error", "The body is not a JSON object.")
        body = TrackerCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        tracker = create(merchant_of(request), TrackerCreateSerializer.wishes(body.validated_data))
        (shape,) = shown(request, [tracker])
        return data(201, tracker=shape)

    def get(self, request: Request) -> Response:
        """A page of the list. The total and the way on stand in headers: the body is Ship24's."""
        query = ListQuery(data=told_once(request.query_params))
        query.is_valid(raise_exception=True)
        found = page(merchant_of(request), query.validated_data)
        answer = data(trackers=shown(request, found.trackers))
        answer["X-Total-Count"] = found.total
        if found.following:
            answer["Link"] = f'<{_url(request, found.following)}>; rel="next"'
        return answer


def _url(request: Request, place: Place) -> str:
    """The page after `place`, with this one's filters."""
    query = request.query_params.copy()
    query.pop("page", None)
    query["after"] = str(place)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
