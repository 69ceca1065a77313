"""`/v1/openapi.json` and `/docs`: the OpenAPI document, made once per process, and a page that shows it."""

import hashlib
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import condition, require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

#: The page runs its own scripts and talks to its own host. Swagger UI writes styles into its elements.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def document() -> bytes:
    """The OpenAPI document as JSON."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    rendered: bytes = OpenApiJsonRenderer().render(schema)
    return rendered


@cache
def etag_of_document() -> str:
    return f'"{hashlib.sha256(document()).hexdigest()[:32]}"'


@require_safe
@condition(etag_func=lambda _: etag_of_document())
def openapi(request: HttpRequest) -> HttpResponse:
    """The document; no key is needed."""
    return HttpResponse(
        document(), content_type="application/json", headers={"Cache-Control": "public, no-cache"}
    )


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Swagger UI, served from here alone."""
    response = render(request, "config/documentation.html")
    response["Content-Security-Policy"] = _POLICY
    return response
