"""All alerts, a page at a time, each with a link to where it is mended."""

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.alerts import MOST
from config import alerts

#: Alerts on one page.
PAGE = 50


def page(request: HttpRequest) -> HttpResponse:
    """`?page=` from 1; one that there is not is the last."""
    shown = Paginator(alerts.alerts(), PAGE).get_page(request.GET.get("page"))
    rows = [alerts.shown(one) for one in shown]
    known = admin.site.each_context(request)
    context = known | {"title": "Needs attention", "alerts": rows, "shown": shown, "most": MOST}
    return TemplateResponse(request, "config/alerts.html", context)
