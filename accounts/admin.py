"""Merchants and their keys for operations staff. A key is shown once, right after it is made."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts import branding, finding
from accounts.access import PAGES
from accounts.acting import Acting
from accounts.acts import OF_KEYS
from accounts.brand_form import BrandForm
from accounts.lists import Big
from accounts.models import ALL_SCOPES, ApiKey, IdempotencyKey, Merchant, PageLogo, Scope, Sweep
from accounts.read_only import ReadOnly
from accounts.staff import ModelAdmin

for _model, _page in PAGES.items():
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)  # Django's own, and axes'
    admin.site.register(_model, _page)


@admin.register(Merchant)
class MerchantAdmin(ModelAdmin[Merchant]):
    form = BrandForm
    fieldsets = (
        (None, {"fields": ("id", "name", "contact_email", "created_at", "deleted_at")}),
        ("Limits", {"fields": ("tracker_limit", "api_rate_limit")}),
        (
            "Pages for shoppers",
            {
                "fields": (
                    *("page_is_enabled", "page_name", "page_colour"),
                    *("shown_logo", "logo", "remove_logo", "renew_links"),
                )
            },
        ),
    )
    list_display = (
        "name",
        "id",
        "contact_email",
        "tracker_limit",
        "api_rate_limit",
        "created_at",
        "deleted_at",
    )
    search_fields = ("name",)
    search_help_text = "The beginning of words of the name, or the id"
    readonly_fields = ("id", "created_at", "deleted_at", "shown_logo")

    @admin.display(description="Present logo")
    def shown_logo(self, merchant: Merchant) -> str:
        logo = PageLogo.objects.defer("body").filter(merchant=merchant.pk).first()
        if logo is None:
            return "none"
        address = reverse("tracking-page-logo", args=[logo.public_id])
        return format_html('<img src="{}" height="40" alt=""> {}', address, logo)

    def save_model(
        self,
        request: HttpRequest,
        obj: Merchant,
        form: BrandForm,
        change: bool,  # noqa: FBT001 (Django's)
    ) -> None:
        super().save_model(request, obj, form, change)
        if body := form.cleaned_data["logo"]:
            branding.set_logo(obj.id, body)
        elif form.cleaned_data["remove_logo"]:
            branding.remove_logo(obj.id)
        if form.cleaned_data["renew_links"]:
            branding.renew_links(obj.id)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Merchant], search_term: str
    ) -> tuple[QuerySet[Merchant], bool]:
        term = search_term.strip()
        return (queryset & finding.merchants(term) if term else queryset), False

    def has_delete_permission(self, request: HttpRequest, obj: Merchant | None = None) -> bool:
        return False  # its log is append-only


class ApiKeyForm(forms.ModelForm[ApiKey]):
    """A key's scopes as boxes to tick; all of them unless told otherwise."""

    scopes = forms.MultipleChoiceField(
        choices=Scope.choices, initial=ALL_SCOPES, widget=forms.CheckboxSelectMultiple
    )


@admin.register(ApiKey)
class ApiKeyAdmin(Acting[ApiKey]):
    """A key is made here, and revoked; nothing else of it changes."""

    form = ApiKeyForm
    acts = OF_KEYS
    list_display = ("shown", "merchant", "scopes", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("merchant",)
    autocomplete_fields = ("merchant",)
    fields = ("merchant", "scopes", "shown", "created_at", "last_used_at", "revoked_at")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        made = ("shown", "created_at", "last_used_at", "revoked_at")
        return (*made, "merchant", "scopes") if obj else made

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False  # revoking leaves the trace

    def save_model(self, request: HttpRequest, obj: ApiKey, form: object, change: bool) -> None:  # noqa: FBT001
        if change:
            return
        issued, key = ApiKey.issue(obj.merchant, obj.scopes)
        obj.pk, obj.shown = issued.pk, issued.shown
        messages.warning(request, f"The key, shown this once: {key}")


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(Big, ReadOnly, ModelAdmin[IdempotencyKey]):
    """Which POSTs may be repeated. What they were answered stays shut: it may hold secrets."""

    list_display = ("route", "merchant", "status", "created_at", "leased_until")
    list_select_related = ("merchant",)
    fields = ("merchant", "route", "status", "created_at", "leased_until")
    ordering = ("-created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[IdempotencyKey]:
        return super().get_queryset(request).defer("body")


@admin.register(PageLogo)
class PageLogoAdmin(ReadOnly, ModelAdmin[PageLogo]):
    """Merchants' logos on the pages for shoppers; a merchant's own page changes them."""

    list_display = ("merchant", "media_type", "width", "height")
    list_select_related = ("merchant",)
    exclude = ("body",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PageLogo]:
        return super().get_queryset(request).defer("body")


@admin.register(Sweep)
class SweepAdmin(ReadOnly, ModelAdmin[Sweep]):
    """When each sweep last ended, the one that is furthest behind first."""

    list_display = ("name", "ended_at", "seconds")
    ordering = ("ended_at",)


@admin.register(LogEntry)
class LogEntryAdmin(Big, ReadOnly, ModelAdmin[LogEntry]):
    """What staff did: who, what, on which object."""

    list_display = ("action_time", "user", "told", "content_type", "object_repr")
    list_select_related = ("user", "content_type")
    fields = ("action_time", "user", "told", "content_type", "object_id", "object_repr", "change_message")
    readonly_fields = ("told",)
    searched = {"object_id": ("-id",), "user__username": ("-id",)}
    search_help_text = "Id of what was done to, or who did it"
    linked = ("user__id__exact",)
    ordering = ("-id",)

    @admin.display(description="what")
    def told(self, entry: LogEntry) -> str:
        """In words: what was changed, or which action it was."""
        return entry.get_change_message() or entry.get_action_flag_display()
