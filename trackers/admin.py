"""Trackers for operations staff. The projection is the log's; nobody edits it by hand."""

from django.contrib import admin
from django.http import HttpRequest

from trackers.models import PersonalData, RawAnswer, Tracker, Watch


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """A model to look at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class WatchInline(admin.TabularInline[Watch, Tracker]):
    model = Watch
    fields = ("courier", "carrier_account", "last_outcome", "last_error", "last_polled_at", "next_poll_at")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Tracker | None = None) -> bool:
        return False


@admin.register(Tracker)
class TrackerAdmin(ReadOnly):
    list_display = ("tracking_number", "merchant", "milestone", "status_code", "is_subscribed", "created_at")
    list_filter = ("milestone", "is_subscribed")
    list_select_related = ("merchant",)
    search_fields = ("=tracking_number", "=client_tracker_id", "=shipment_reference", "=id")
    show_full_result_count = False
    exclude = ("digest",)
    inlines = (WatchInline,)


@admin.register(Watch)
class WatchAdmin(ReadOnly):
    list_display = ("courier", "tracker", "carrier_account", "last_outcome", "last_polled_at", "next_poll_at")
    list_filter = ("courier", "last_outcome")
    list_select_related = ("tracker", "carrier_account")
    search_fields = ("=tracker__tracking_number",)
    show_full_result_count = False
    exclude = ("claim_id",)


@admin.register(PersonalData)
class PersonalDataAdmin(ReadOnly):
    list_display = ("tracker",)
    list_select_related = ("tracker",)
    search_fields = ("=tracker__tracking_number",)
    show_full_result_count = False


@admin.register(RawAnswer)
class RawAnswerAdmin(ReadOnly):
    list_display = ("watch", "digest", "asked_at")
    list_select_related = ("watch",)
    show_full_result_count = False
    exclude = ("body",)
