"""`/v1/export`: all that a merchant has, in one stream."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import merchant_of
from accounts.views import ApiView
from trackers.exporting import export
from trackers.filtering import ExportQuery, told_once
from trackers.page.links import links_for

NDJSON = "application/x-ndjson"


class LinesRenderer(JSONRenderer):
    """For callers that accept lines alone: an error is one line."""

    media_type = NDJSON


class ExportView(ApiView):
    """`/v1/export`."""

    renderer_classes: ClassVar[tuple[type[BaseRenderer], ...]] = (JSONRenderer, LinesRenderer)  # type: ignore[misc]

    def get(self, request: Request) -> StreamingHttpResponse | Response:
        """Trackers and log as lines of JSON. What is wrong is told before the first line, or not at all."""
        query = ExportQuery(data=told_once(request.query_params))
        query.is_valid(raise_exception=True)
        wanted: Mapping[str, Any] = query.validated_data
        lines = export(merchant_of(request), links_for(request), wanted, with_events=wanted["events"])
        name = f"parcelwire-export-{datetime.now(UTC):%Y%m%d}.ndjson"
        return StreamingHttpResponse(
            _begun(next(lines), lines),
            content_type=NDJSON,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _begun(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
