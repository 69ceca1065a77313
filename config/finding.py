"""The search box of every page for staff: parcels, endpoints, merchants, carrier accounts, and pages by name.

It stands in the place of unfold's own search, which keeps what it found for minutes, and asks in lower case.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.dataclasses import SearchResult

import accounts.finding
import carriers.finding
import trackers.staff.finding
import webhooks.staff.finding
from accounts.models import Merchant
from carriers.models import CarrierAccount
from trackers.models import Tracker
from webhooks.models import SECRET_COLUMNS, Endpoint

#: Rows of each kind that are shown; a list has more.
MOST = 8
_ROUTE = "admin:{}_{}_{}"


class _Kind(NamedTuple):
    """Rows that can be found: how, and what is said of one."""

    model: type[Model]
    icon: str
    found: Callable[[str], QuerySet[Any]]
    title: Callable[[Any], str]
    told: Callable[[Any], str]


def _trackers(term: str) -> QuerySet[Tracker]:
    rows = Tracker.objects.select_related("merchant").defer("state")
    return trackers.staff.finding.found(rows, term)


def _endpoints(term: str) -> QuerySet[Endpoint]:
    rows = Endpoint.objects.select_related("merchant").defer(*SECRET_COLUMNS)
    return webhooks.staff.finding.found(rows, term)


def _accounts(term: str) -> QuerySet[CarrierAccount]:
    rows = CarrierAccount.objects.select_related("merchant").defer("key", "push_secret")
    return carriers.finding.found(rows, term).order_by("courier", "id")


_KINDS = (
    _Kind(
        Tracker,
        "package_2",
        _trackers,
        lambda one: one.tracking_number,
        lambda one: f"tracker of {one.merchant}, {one.milestone.replace('_', ' ')}",
    ),
    _Kind(
        Endpoint,
        "webhook",
        _endpoints,
        lambda one: one.url,
        lambda one: f"endpoint of {one.merchant}, {'deleted' if one.deleted_at else one.state}",
    ),
    _Kind(Merchant, "storefront", accounts.finding.merchants, lambda one: one.name, lambda _: "merchant"),
    _Kind(
        CarrierAccount,
        "local_shipping",
        _accounts,
        lambda one: one.courier,
        lambda one: f"carrier account of {one.merchant or 'the house'}, {one.state}",
    ),
)


def search(request: HttpRequest) -> HttpResponse:
    """What is found for `s`, as a list that unfold's script shows: of what the caller may view."""
    began = time.monotonic()
    term = request.GET.get("s", "").replace("\0", "").strip()
    if not term:
        return HttpResponse()
    found = Paginator([*_rows(request, term), *_pages(request, term)], 100)
    context = {
        "page_obj": found,
        "results": found.page(1),
        "page_counter": 0,
        "execution_time": time.monotonic() - began,
        "command_show_history": False,
    }
    template = "unfold/helpers/command_results.html"
    return TemplateResponse(request, template, context, headers={"HX-Trigger": "search"})


def _rows(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    for kind in _KINDS:
        of_model = admin.site.get_model_admin(kind.model)
        if not of_model.has_view_permission(request):
            continue
        names = (of_model.opts.app_label, of_model.opts.model_name)
        rows = list(kind.found(term)[: MOST + 1])
        for row in rows[:MOST]:
            link = reverse(_ROUTE.format(*names, "change"), args=[row.pk])
            yield SearchResult(kind.title(row), kind.told(row), link, kind.icon)
        if len(rows) > MOST:
            link = reverse(_ROUTE.format(*names, "changelist"), query={"q": term})
            yield SearchResult(f"More {of_model.opts.verbose_name_plural}", term, link, kind.icon)


def _pages(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    """Lists whose name this is part of."""
    for app in admin.site.get_app_list(request):
        for model in app["models"]:
            if model["admin_url"] and term.lower() in str(model["name"]).lower():
                yield SearchResult(str(model["name"]), "list", model["admin_url"], "list_alt")
