"""How the pages for operations staff look: unfold's settings."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static


def environment(_: HttpRequest) -> tuple[str, str]:
    """The badge on top of every page, and its colour."""
    return ("Production", "danger") if settings.PRODUCTION else ("Development", "info")


def without_inline_styles(_: HttpRequest) -> dict[str, Any]:
    """The colours stand in config/colours.css: unfold's own way would be a style in the page itself."""
    return {"colors": None}


def _static(path: str) -> Callable[[HttpRequest], str]:
    return lambda _: static(path)


UNFOLD: dict[str, Any] = {
    "DASHBOARD_CALLBACK": "config.dashboard.context",
    "SITE_TITLE": "Parcelwire",
    "SITE_HEADER": "Parcelwire",
    "SITE_SUBHEADER": "Operations",
    "SITE_SYMBOL": "package_2",
    "SITE_URL": None,
    "SHOW_BACK_BUTTON": True,
    "ENVIRONMENT": "config.look.environment",
    "GLOBAL_CALLBACK": "config.look.without_inline_styles",
    "STYLES": [_static("config/colours.css"), _static("config/staff.css")],
    "SCRIPTS": [
        _static("config/expressions.js"),
        _static("config/alpine.js"),
        _static("config/keyboard.js"),
    ],
    "SIDEBAR": {"navigation": "config.sidebar.sidebar", "show_search": True, "command_search": True},
    "COMMAND": {"search_models": False, "show_history": False},
}
