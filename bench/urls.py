"""The project's addresses, and one that answers a constant: what the others are measured by."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from django.urls import URLPattern, include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config import urls


class ConstantView(APIView):
    """What Django REST framework takes for this many bytes: no key, no database, nothing to work out."""

    authentication_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    permission_classes: ClassVar[list[Any]] = []  # type: ignore[misc]

    def get(self, request: Request, tracker_id: str) -> Response:
        return Response(_constant())


@cache
def _constant() -> Any:
    """The JSON in the file that bench.stage names."""
    return json.loads(Path(os.environ["BENCH_CONSTANT"]).read_text())


def _beside_results() -> list[URLPattern]:
    """The API with the constant next to the results, so that both are found after as many attempts."""
    at = next(nth for nth, one in enumerate(urls.api) if one.name == "tracker-results")
    constant = path("trackers/<str:tracker_id>/constant", ConstantView.as_view())
    return [*urls.api[:at], constant, *urls.api[at:]]


urlpatterns = [
    path("v1/", include((_beside_results(), "v1"))) if str(one.pattern) == "v1/" else one
    for one in urls.urlpatterns
]
handler404 = urls.handler404
handler500 = urls.handler500
