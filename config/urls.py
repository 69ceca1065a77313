"""Every address the project answers. The API stands under /v1 and, as Ship24's clients expect, /public/v1."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

import events.urls
import trackers.urls
import webhooks.urls
from config import health

api = [*trackers.urls.urlpatterns, *events.urls.urlpatterns, *webhooks.urls.urlpatterns]

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("v1/", include((api, "v1"))),
    path("public/v1/", include((api, "public"))),
]

handler404 = "accounts.errors.route_not_found"
handler500 = "accounts.errors.server_error"
