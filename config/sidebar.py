"""The menu of the pages for operations staff. Words are those of the glossary (docs/architecture.md)."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse


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
    lists = _lists(request)
    groups = [(title, pages, False) for title, pages in SIDEBAR.items()]
    groups.append((INNER, _rest(lists), True))
    shown = [
        {"title": title, "items": list(_items(pages, lists)), "collapsible": folded}
        for title, pages, folded in groups
    ]
    return [group for group in shown if group["items"]]


def _lists(request: HttpRequest) -> dict[str, dict[str, Any]]:
    """What Django tells of each table whose list the caller may see, by `app.model`."""
    return {
        f"{app['app_label']}.{model['object_name'].lower()}": model
        for app in admin.site.get_app_list(request)
        for model in app["models"]
        if model["admin_url"]
    }


def _rest(lists: dict[str, dict[str, Any]]) -> tuple[Page, ...]:
    """The tables that are not named above, by title."""
    named = {page.target for pages in SIDEBAR.values() for page in pages}
    rest = (Page(str(lists[one]["name"]), "table_rows", one) for one in lists if one not in named)
    return tuple(sorted(rest))


def _items(pages: tuple[Page, ...], lists: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Unfold's links, to what there is for the caller."""
    for page in pages:
        if "." not in page.target:
            yield {"title": page.title, "icon": page.icon, "link": reverse(page.target)}
        elif page.target in lists:
            yield {"title": page.title, "icon": page.icon, "link": lists[page.target]["admin_url"]}
