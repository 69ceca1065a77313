"""Trackers for operations staff. The projection is the log's; nobody edits it by hand."""

from django.contrib import admin

from accounts.read_only import ReadOnly
from accounts.staff import ModelAdmin, TabularInline
from trackers.lookups import LookUps
from trackers.milestones import quarantined
from trackers.models import PersonalData, RawAnswer, StrayCall, Tracker, Watch


class WatchInline(ReadOnly, TabularInline[Watch, Tracker]):
    model = Watch
    fields = (
        "courier", "carrier_account", "last_outcome", "last_error", "last_polled_at", "next_poll_at",
        "urgency",
    )  # fmt: skip
    readonly_fields = fields
    extra = 0


@admin.register(Tracker)
class TrackerAdmin(ReadOnly, ModelAdmin[Tracker]):
    list_display = ("tracking_number", "merchant", "milestone", "status_code", "is_subscribed", "created_at")
    list_filter = ("milestone", "is_subscribed")
    list_select_related = ("merchant",)
    search_fields = ("=tracking_number", "=client_tracker_id", "=shipment_reference", "=id")
    show_full_result_count = False
    exclude = ("digest",)
    readonly_fields = ("quarantined_scans",)
    inlines = (WatchInline,)

    @admin.display(description="Scans of another parcel, set apart")
    def quarantined_scans(self, tracker: Tracker) -> str:
        lines = [
            f"{scan['occurrenceDatetime'] or 'no time'}  {scan['courierCode']}: {scan['status']}"
            for scan in quarantined(tracker.state["scans"])
        ]
        return "\n".join(lines) or "none"


@admin.register(Watch)
class WatchAdmin(ReadOnly, ModelAdmin[Watch]):
    list_display = ("courier", "tracker", "carrier_account", "last_outcome", "last_polled_at", "next_poll_at")
    list_filter = ("courier", "last_outcome")
    list_select_related = ("tracker", "carrier_account")
    search_fields = ("=tracker__tracking_number",)
    show_full_result_count = False
    exclude = ("claim_id",)


@admin.register(PersonalData)
class PersonalDataAdmin(ReadOnly, ModelAdmin[PersonalData]):
    list_display = ("tracker",)
    list_select_related = ("tracker",)
    search_fields = ("=tracker__tracking_number",)
    show_full_result_count = False


@admin.register(RawAnswer)
class RawAnswerAdmin(ReadOnly, ModelAdmin[RawAnswer]):
    list_display = ("watch", "digest", "asked_at")
    list_select_related = ("watch",)
    show_full_result_count = False
    exclude = ("body",)


@admin.register(LookUps)
class LookUpsAdmin(ReadOnly, ModelAdmin[LookUps]):
    list_display = ("api_key", "day", "count")
    list_select_related = ("api_key",)
    ordering = ("-day", "-count")


@admin.register(StrayCall)
class StrayCallAdmin(ReadOnly, ModelAdmin[StrayCall]):
    """Calls under way whose tracker was stopped, deleted or asked about anew meanwhile."""

    list_display = ("account_id", "watch_id", "counted_until")
    exclude = ("claim_id",)
    ordering = ("id",)
