"""The menu of the pages for operations staff. Words are those of the glossary (docs/architecture.md)."""

from typing import Any, NamedTuple

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst


class Page(NamedTuple):
    """A link of the sidebar: to a model's list, shown to who may view that; or to a route of the admin's."""

    title: str
    #: A name of Material Symbols, the font that unfold brings.
    icon: str
    #: `app.model`, or a route's name such as `admin:index`.
    target: str


#: What staff work with. Every other table that has pages stands in INNER, folded away.
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
    ),
    "Subscribers": (
        Page("Endpoints", "webhook", "webhooks.endpoint"),
        Page("Deliveries", "outbox", "webhooks.delivery"),
        Page("Attempts", "send", "webhooks.attempt"),
        Page("Messages", "mail", "webhooks.message"),
        Page("Recoveries", "replay", "webhooks.recovery"),
    ),
    "Carriers": (
        Page("Carrier accounts", "local_shipping", "carriers.carrieraccount"),
        Page("Unmapped codes", "help_center", "carriers.unmappedcode"),
        Page("Remaps", "sync", "trackers.remap"),
    ),
    "Merchants": (
        Page("Merchants", "storefront", "accounts.merchant"),
        Page("Page logos", "image", "accounts.pagelogo"),
        Page("API keys", "key", "accounts.apikey"),
    ),
    "Access": (
        Page("Users", "person", "auth.user"),
        Page("Roles", "group", "auth.group"),
        Page("What staff did", "history", "admin.logentry"),
        Page("Failed sign-ins", "gpp_bad", "axes.accessattempt"),
        Page("Sign-ins", "login", "axes.accesslog"),
    ),
}
INNER = "Inner workings"


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's navigation: groups of links to what the caller may see, in the table's order."""
    groups = [
        {"title": title, "items": [_item(page) for page in pages if _is_open_to(request, page)]}
        for title, pages in SIDEBAR.items()
    ]
    inner = [_item(page) for page in _rest() if _is_open_to(request, page)]
    groups.append({"title": INNER, "items": inner, "collapsible": True})
    return [group for group in groups if group["items"]]


def _rest() -> list[Page]:
    """The tables that have pages and are not named above, by title."""
    named = {page.target for pages in SIDEBAR.values() for page in pages}
    models = (model._meta for model in admin.site._registry)
    return sorted(
        Page(str(capfirst(meta.verbose_name_plural)), "table_rows", meta.label_lower)
        for meta in models
        if meta.label_lower not in named
    )


def _is_open_to(request: HttpRequest, page: Page) -> bool:
    """Whether the page is there, and the caller may see it."""
    if "." not in page.target:
        return True
    app, model = page.target.split(".")
    return admin.site.is_registered(apps.get_model(app, model)) and any(
        request.user.has_perm(f"{app}.{what}_{model}") for what in ("view", "change")
    )


def _item(page: Page) -> dict[str, Any]:
    route = f"admin:{page.target.replace('.', '_')}_changelist" if "." in page.target else page.target
    return {"title": page.title, "icon": page.icon, "link": reverse(route)}
