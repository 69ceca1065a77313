"""`/v1/tracking-page`: how a merchant's pages for shoppers look, and whether there are any."""

from collections.abc import Mapping
from typing import IO, Any, ClassVar

from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import branding
from accounts.authentication import merchant_of
from accounts.errors import ApiError
from accounts.views import ApiView
from trackers.page.brand import page_shape
from trackers.page.serializers import PageBody
from trackers.views.answering import data


class _Bytes(BaseParser):
    """A body as it came."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        return stream.read()


class ImageParser(_Bytes):
    media_type = "image/*"


class OctetsParser(_Bytes):
    media_type = "application/octet-stream"


class TrackingPageView(ApiView):
    """`/v1/tracking-page`."""

    def get(self, request: Request) -> Response:
        return _shown(request)

    def patch(self, request: Request) -> Response:
        """Change what is named; null is the default."""
        if not isinstance(request.data, dict):
            raise ApiError(400, "validation_error", "The body is not a JSON object.")
        body = PageBody(data=request.data)
        body.is_valid(raise_exception=True)
        branding.change(merchant_of(request), PageBody.wishes(body.validated_data))
        return _shown(request)


class LogoView(ApiView):
    """`/v1/tracking-page/logo`."""

    parser_classes: ClassVar[tuple[type[BaseParser], ...]] = (ImageParser, OctetsParser)  # type: ignore[misc]

    def put(self, request: Request) -> Response:
        """Take the body for the logo. What it is, its own bytes say."""
        body: Any = request.data  # of no body at all, an empty form
        try:
            branding.set_logo(merchant_of(request), body or b"")
        except ValueError as error:
            raise ApiError(400, "validation_error", f"logo: {error}.") from error
        return _shown(request)

    def delete(self, request: Request) -> Response:
        branding.remove_logo(merchant_of(request))
        return Response(status=204)


class RenewLinksView(ApiView):
    """`/v1/tracking-page/renew-links`."""

    def post(self, request: Request) -> Response:
        """Every link that was given out so far leads nowhere from now on."""
        branding.renew_links(merchant_of(request))
        return _shown(request)


def _shown(request: Request) -> Response:
    return data(trackingPage=page_shape(branding.brand_of(merchant_of(request)), request))
