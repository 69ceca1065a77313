"""Every address the project answers. The API stands under /v1 and, as Ship24's clients expect, /public/v1."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

import events.urls
import trackers.urls
import webhooks.urls
from config import alerts_page, documentation, finding, health
from trackers.dialects import all24, express247
from trackers.page import views as page

api = [*trackers.urls.urlpatterns, *events.urls.urlpatterns, *webhooks.urls.urlpatterns]

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/alerts/", admin.site.admin_view(alerts_page.page), name="alerts"),
    path("admin/search/", admin.site.admin_view(finding.search)),
    path("admin/", admin.site.urls),
    path("track/logo/<uuid:logo_id>", page.logo, name="tracking-page-logo"),
    path("track/<path:token>", page.page, name="tracking-page"),
    path("docs", documentation.page, name="docs"),
    path("v1/openapi.json", documentation.openapi, name="openapi"),
    path("v1/tracking/orders", all24.OrdersView.as_view(), name="all24-orders"),
    path("api/Order/v1/Tracking", express247.TrackingView.as_view(), name="express247-tracking"),
    path("v1/", include((api, "v1"))),
    path("public/v1/", include((api, "public"))),
]

handler400 = "accounts.errors.bad_request"
handler404 = "accounts.errors.route_not_found"
handler500 = "accounts.errors.server_error"
