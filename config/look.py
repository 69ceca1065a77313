"""How the pages for operations staff look: unfold's settings. Words are those of the glossary (docs)."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse


class Page(NamedTuple):
    """A link of the sidebar: to a model's list, shown to who may view that; or to a route of the admin's."""

    title: str
    #: A name of Material Symbols, the font that unfold brings.
    icon: str
    #: `app.model`, or a route's name such as `admin:index`.
    target: str


SIDEBAR: dict[str, tuple[Page, ...]] = {
    "Operations": (
        Page("Dashboard", "monitoring", "admin:index"),
        Page("Needs attention", "notification_important", "alerts"),
    ),
    "Parcels": (
        Page("Trackers", "package_2", "trackers.tracker"),
        Page("Watches", "visibility", "trackers.watch"),
        Page("Log", "list_alt", "events.event"),
        Page("Raw answers", "description", "trackers.rawanswer"),
        Page("Personal data", "badge", "trackers.personaldata"),
        Page("Milestone tallies", "stacked_bar_chart", "trackers.milestonetally"),
        Page("Scan tallies", "bar_chart", "trackers.scantally"),
    ),
    "Subscribers": (
        Page("Endpoints", "webhook", "webhooks.endpoint"),
        Page("Deliveries", "outbox", "webhooks.delivery"),
        Page("Attempts", "send", "webhooks.attempt"),
        Page("Messages", "mail", "webhooks.message"),
        Page("Recoveries", "replay", "webhooks.recovery"),
        Page("Extra tries", "forward_to_inbox", "webhooks.extratry"),
        Page("Notices", "notification_important", "webhooks.notice"),
        Page("Tallies", "bar_chart", "webhooks.tally"),
        Page("Hour tallies", "stacked_bar_chart", "webhooks.hourtally"),
        Page("Lanes", "alt_route", "webhooks.lane"),
    ),
    "Carriers": (
        Page("Carrier accounts", "local_shipping", "carriers.carrieraccount"),
        Page("Health", "monitor_heart", "carriers.health"),
        Page("Unmapped codes", "help_center", "carriers.unmappedcode"),
        Page("Daily use", "data_usage", "carriers.dailyuse"),
        Page("Account news", "campaign", "carriers.accountnews"),
        Page("Remaps", "sync", "trackers.remap"),
        Page("Closings", "cancel_schedule_send", "carriers.closing"),
        Page("Poll tallies", "stacked_bar_chart", "carriers.polltally"),
        Page("Poll slips", "receipt", "carriers.pollslip"),
    ),
    "Merchants": (
        Page("Merchants", "storefront", "accounts.merchant"),
        Page("API keys", "key", "accounts.apikey"),
        Page("Idempotency keys", "content_copy", "accounts.idempotencykey"),
        Page("Look-ups", "manage_search", "trackers.lookups"),
    ),
    "Access": (
        Page("Users", "person", "auth.user"),
        Page("Roles", "group", "auth.group"),
        Page("Failed sign-ins", "gpp_bad", "axes.accessattempt"),
        Page("Sign-ins", "login", "axes.accesslog"),
    ),
}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's navigation: groups of links to what the caller may see, in the table's order."""
    groups = []
    for title, pages in SIDEBAR.items():
        items = [_item(page) for page in pages if _is_open_to(request, page)]
        if items:
            groups.append({"title": title, "items": items})
    return groups


def _is_open_to(request: HttpRequest, page: Page) -> bool:
    if "." not in page.target:
        return True
    app, model = page.target.split(".")
    return any(request.user.has_perm(f"{app}.{what}_{model}") for what in ("view", "change"))


def _item(page: Page) -> dict[str, Any]:
    route = page.target if "." not in page.target else f"admin:{page.target.replace('.', '_')}_changelist"
    return {"title": page.title, "icon": page.icon, "link": reverse(route)}


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
    "SIDEBAR": {"navigation": "config.look.sidebar", "show_search": True, "command_search": True},
    "COMMAND": {"search_models": False, "show_history": False},
}
