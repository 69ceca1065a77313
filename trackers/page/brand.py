"""How a merchant's pages look, as its programs read it."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from rest_framework.request import Request

from accounts.models import Merchant


def page_shape(merchant: Merchant, request: Request) -> dict[str, Any]:
    """How the merchant's pages look."""
    logo = getattr(merchant, "page_logo", None)
    base = settings.PUBLIC_URL or request.build_absolute_uri("/")[:-1]
    return {
        "isEnabled": merchant.page_is_enabled,
        "name": merchant.page_name or None,
        "colour": merchant.page_colour or None,
        "logo": logo
        and {
            "url": base + reverse("tracking-page-logo", args=[logo.public_id]),
            "mediaType": logo.media_type,
            "width": logo.width,
            "height": logo.height,
        },
    }
