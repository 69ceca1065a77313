"""`/track/{token}`: a parcel's page for whoever has the link, and the logo on it. No key, no cookie."""

import base64
import hashlib
import logging
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.models import PageLogo
from trackers.page import tokens
from trackers.page.colours import palette
from trackers.page.finding import Found, Parcel, find, parcel
from trackers.page.languages import LANGUAGES, language_of
from trackers.page.limiting import WINDOW, is_too_often
from trackers.page.showing import show
from trackers.page.words import ABSENT, BUSY, OUT_OF_ORDER, Saying
from trackers.tagging import Held, etag

logger = logging.getLogger(__name__)

#: Nothing runs, nothing is sent, and what is loaded comes from here. `{}` is the hash of the one style block.
_POLICY = (
    "default-src 'none'; style-src 'self' {}; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_PRIVATE = {
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
}
#: Seconds that a browser may show a page without asking again.
_FRESH = 60
#: A logo's address changes with it.
_LOGO_FRESH = 30 * 24 * 60 * 60


@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    """The page; 404 for what is no token of a parcel that may be shown, whatever the cause."""
    language = language_of(request.GET.get("lang"), request.headers.get("Accept-Language", ""))
    with translation.override(language):
        try:
            response = _answer(request, token, language)
        except OperationalError:
            logger.exception("a page could not be read")
            response = _notice(OUT_OF_ORDER, 503, language)
            response["Retry-After"] = "10"
    for name, value in _PRIVATE.items():
        response[name] = value
    patch_vary_headers(response, ["Accept-Language"])
    return response


@require_safe
def logo(request: HttpRequest, logo_id: UUID) -> HttpResponse:
    """A merchant's logo, while its pages are shown."""
    if is_too_often(request):
        return HttpResponse(status=429, headers={"Retry-After": str(WINDOW)})
    shown = PageLogo.objects.filter(merchant__page_is_enabled=True, merchant__deleted_at=None)
    found = shown.filter(public_id=logo_id).first()
    if found is None:
        return HttpResponse(status=404, content_type="text/plain", headers=_PRIVATE)
    response = HttpResponse(bytes(found.body), content_type=found.media_type, headers=_PRIVATE)
    response["Cache-Control"] = f"public, max-age={_LOGO_FRESH}, immutable"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _answer(request: HttpRequest, token: str, language: str) -> HttpResponse:
    if is_too_often(request):
        response = _notice(BUSY, 429, language)
        response["Retry-After"] = str(WINDOW)
        return response
    read = tokens.read(token)
    found = find(read) if read else None
    if found is None:
        return _notice(ABSENT, 404, language)
    held = Held.read(request.headers.get("If-None-Match", ""))
    tag = _tag(found, found.version, language)
    if tag in held:
        unchanged = HttpResponse(status=304)
        del unchanged["Content-Type"]
        return _kept(_guarded(unchanged, found.brand.colour), tag)
    told = parcel(found)
    return _whole(found, told, language) if told else _notice(ABSENT, 404, language)


def _whole(found: Found, told: Parcel, language: str) -> HttpResponse:
    """Tagged by what was read last: the log may have grown since."""
    tag = _tag(found, told.version, language)
    context = {"shown": show(told, language), "brand": found.brand}
    return _kept(_rendered("page", 200, language, found.brand.colour, context), tag)


def _kept(response: HttpResponse, tag: str) -> HttpResponse:
    response["Cache-Control"] = f"private, max-age={_FRESH}"
    response["ETag"] = tag
    return response


def _tag(found: Found, version: int, language: str) -> str:
    """A page says the same while log, brand and hour are the same: an estimate passes with its day."""
    hour = timezone.now().strftime("%Y-%m-%dT%H")
    return etag([f"{found.tracker_id}-{version}", language, *map(str, found.brand), hour])


def _notice(saying: Saying, status: int, language: str) -> HttpResponse:
    """A page that says one thing, in nobody's colours."""
    response = _rendered("notice", status, language, "", {"saying": saying})
    response["Cache-Control"] = "no-store"
    return response


def _rendered(name: str, status: int, language: str, colour: str, context: dict[str, Any]) -> HttpResponse:
    """Without a request the template knows nothing of sessions: no cookie is set."""
    shared = {
        "language": language,
        "languages": LANGUAGES,
        "style": _style(colour),
        "theme": palette(colour).brand,
    }
    body = render_to_string(f"trackers/{name}.html", shared | context)
    return _guarded(HttpResponse(body, status=status), colour)


def _guarded(response: HttpResponse, colour: str) -> HttpResponse:
    """A 304 as well: browsers take its headers for those of the page that they hold."""
    digest = base64.b64encode(hashlib.sha256(_style(colour).encode()).digest()).decode()
    response["Content-Security-Policy"] = _POLICY.format(f"'sha256-{digest}'")
    return response


@lru_cache(maxsize=256)
def _style(colour: str) -> str:
    """The one style block: its hash is in the policy, so that it may be cached with the page."""
    return render_to_string("trackers/page_colours.css", palette(colour)._asdict())
