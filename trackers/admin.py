"""Trackers for operations staff. The projection is the log's; nobody edits it by hand."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.acting import Acting
from accounts.read_only import ReadOnly
from accounts.staff import ModelAdmin, TabularInline
from carriers.registry import adapters
from trackers import tasks
from trackers.acts import ACTS
from trackers.lookups import LookUps
from trackers.milestones import quarantined
from trackers.models import (
    MilestoneTally,
    OutcomeChange,
    PersonalData,
    RawAnswer,
    Remap,
    ScanTally,
    StrayCall,
    Tracker,
    Watch,
)


class WatchInline(ReadOnly, TabularInline[Watch, Tracker]):
    model = Watch
    fields = (
        "courier", "carrier_account", "last_outcome", "last_error", "last_polled_at", "next_poll_at",
        "urgency",
    )  # fmt: skip
    readonly_fields = fields
    extra = 0


@admin.register(Tracker)
class TrackerAdmin(ReadOnly, Acting[Tracker]):
    acts = ACTS
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


@admin.register(OutcomeChange)
class OutcomeChangeAdmin(ReadOnly, ModelAdmin[OutcomeChange]):
    list_display = ("changed_at", "watch", "before", "outcome", "error", "account_id")
    list_select_related = ("watch",)
    ordering = ("-id",)
    show_full_result_count = False


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


class RemapForm(forms.ModelForm[Remap]):
    """Which courier's kept answers are read again."""

    class Meta:
        model = Remap
        fields = ("courier",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        codes = [(code, code) for code in sorted(adapters())]
        self.fields["courier"] = forms.ChoiceField(choices=codes, widget=UnfoldAdminSelectWidget)

    def clean_courier(self) -> str:
        courier: str = self.cleaned_data["courier"]
        if Remap.objects.filter(courier=courier, finished_at=None).exists():
            raise forms.ValidationError("A remap of this courier is under way.")
        return courier


@admin.register(Remap)
class RemapAdmin(ModelAdmin[Remap]):
    """To add one reads what is kept of a courier again with today's map, and records what it tells now."""

    form = RemapForm
    list_display = ("courier", "asked_at", "finished_at", "trackers", "changed", "unreadable", "left")
    ordering = ("-id",)
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Remap | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Remap | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Remap, form: object, change: bool) -> None:  # noqa: FBT001
        obj.save(force_insert=True)
        transaction.on_commit(tasks.nudge_remaps, robust=True)


@admin.register(MilestoneTally)
class MilestoneTallyAdmin(ReadOnly, ModelAdmin[MilestoneTally]):
    list_display = ("since", "milestone", "parcels", "counted_at")
    list_filter = ("milestone",)
    ordering = ("-since", "milestone")


@admin.register(ScanTally)
class ScanTallyAdmin(ReadOnly, ModelAdmin[ScanTally]):
    list_display = ("since", "scans", "through", "counted_at")
    ordering = ("-since",)
