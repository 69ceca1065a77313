"""Trackers for operations staff. The projection is the log's; nobody edits it by hand."""

import json
import zlib
from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.acting import Acting
from accounts.lists import Big
from accounts.read_only import ReadOnly
from accounts.staff import ModelAdmin, WithPage
from carriers.admin import CarrierAccountAdmin
from carriers.models import CarrierAccount
from carriers.registry import adapters
from trackers import tasks
from trackers.acts import ACTS
from trackers.lookups import LookUps
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
from trackers.staff import finding
from trackers.staff.account import AccountPage, account_page
from trackers.staff.filters import Failing, FollowedMilestone, Trouble
from trackers.staff.tracker import TrackerPage, tracker_page
from trackers.timeline.entries import Place

#: Who may see names, addresses, and answers that hold them.
SEES_PERSONAL = "trackers.view_personaldata"


@admin.register(Tracker)
class TrackerAdmin(WithPage, Big, ReadOnly, Acting[Tracker]):
    acts = ACTS
    list_display = ("tracking_number", "merchant", "milestone", "status_code", "news_at", "created_at")
    list_filter = (FollowedMilestone, Trouble)
    list_select_related = ("merchant",)
    search_help_text = "Number, reference, client id, id, or merchant"
    linked = ("merchant__id__exact",)
    ordering = ("-id",)
    change_form_outer_before_template = "trackers/staff/tracker.html"
    fieldsets = (
        (
            "What its merchant wishes",
            {
                "classes": ("collapse",),
                "fields": (
                    ("id", "tracking_number"),
                    ("courier_codes", "restrict_to_couriers"),
                    ("courier_name", "tracking_url"),
                    ("shipment_reference", "client_tracker_id"),
                    ("order_number", "title"),
                    ("origin_country_code", "destination_country_code"),
                    ("destination_post_code", "shipping_date"),
                    ("is_subscribed", "created_at"),
                ),
            },
        ),
        (
            "What its log amounts to",
            {
                "classes": ("collapse",),
                "fields": (
                    ("milestone", "status_code"),
                    ("final", "stop_reason"),
                    ("news_at", "milestone_at"),
                    ("updated_at", "restarted_at"),
                    ("version", "last_message_sequence"),
                ),
            },
        ),
    )
    readonly_fields = ("id", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tracker]:
        """Lists go without the whole history that the state holds."""
        trackers = super().get_queryset(request).select_related("merchant")
        shows_one = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return trackers if shows_one else trackers.defer("state")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """As the index has them that is looked at."""
        if "merchant__id__exact" in request.GET:
            return finding.NEWEST
        return Trouble.ORDERING.get(request.GET.get(Trouble.parameter_name, ""), self.ordering)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("tracking_number",)

    def found(self, rows: QuerySet[Tracker], term: str) -> QuerySet[Tracker]:
        return finding.found(rows, term)

    def page_of(self, request: HttpRequest, row: Tracker) -> TrackerPage:
        sayings = request.user.has_perms([SEES_PERSONAL, "trackers.view_rawanswer"])
        return tracker_page(row, _below(request), sayings=sayings)


def _below(request: HttpRequest) -> Place | None:
    """Where the page of the timeline begins. Raises Http404 for what no link has."""
    text = request.GET.get("older")
    if not text:
        return None
    try:
        return Place.read(text)
    except (ValueError, OverflowError) as error:
        raise Http404 from error


@admin.register(CarrierAccount)
class AccountAdmin(WithPage, CarrierAccountAdmin):
    """A carrier account with what its polls came to: watches are known here, and not to `carriers`."""

    change_form_outer_before_template = "trackers/staff/account.html"

    def page_of(self, request: HttpRequest, row: CarrierAccount) -> AccountPage:
        return account_page(row)


class OfTracker(Big, ReadOnly):
    """What hangs on a tracker: found by the tracker's number, reference, client id or id."""

    search_help_text: Any = "Number, reference, client id or id of the tracker"
    #: The way to the tracker's id, and the order of what is found.
    tracker, order = "tracker", ("-pk",)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return (self.tracker,)

    def found(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        return rows.filter(**{f"{self.tracker}__in": finding.exact(term)}).order_by(*self.order)


@admin.register(Watch)
class WatchAdmin(OfTracker, ModelAdmin[Watch]):
    list_display = ("courier", "tracker", "carrier_account", "last_outcome", "last_polled_at", "next_poll_at")
    list_filter = (Failing,)
    ordering = ("-id",)
    exclude = ("claim_id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Watch]:
        """Without the keys of accounts, and without the histories of trackers."""
        watches = super().get_queryset(request).select_related("tracker", "carrier_account__merchant")
        return watches.defer("tracker__state", "carrier_account__key", "carrier_account__push_secret")


@admin.register(PersonalData)
class PersonalDataAdmin(OfTracker, ModelAdmin[PersonalData]):
    list_display = ("tracker",)
    ordering = ("-tracker_id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PersonalData]:
        return super().get_queryset(request).select_related("tracker").defer("tracker__state")


@admin.register(RawAnswer)
class RawAnswerAdmin(OfTracker, ModelAdmin[RawAnswer]):
    """What carriers said to the letter, names and addresses among it: for who may see those."""

    list_display = ("watch", "digest", "asked_at")
    list_select_related = ("watch",)
    tracker = "watch__tracker"
    ordering = ("-id",)
    fields = ("watch", "digest", "asked_at", "created_at", "answer")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and request.user.has_perm(SEES_PERSONAL)

    @admin.display(description="what the carrier said")
    def answer(self, row: RawAnswer) -> str:
        """The JSON that it is, else its text."""
        body = zlib.decompress(row.body)
        try:
            return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
        except (ValueError, RecursionError):
            return body.decode(errors="replace")


@admin.register(OutcomeChange)
class OutcomeChangeAdmin(OfTracker, ModelAdmin[OutcomeChange]):
    list_display = ("changed_at", "watch", "before", "outcome", "error", "account_id")
    list_select_related = ("watch",)
    tracker = "watch__tracker"
    ordering = ("-id",)


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
