"""Carrier accounts, what is owed to carriers, unmapped codes. A key can be set, and is never shown."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts.acting import Acting
from accounts.lists import Big
from accounts.read_only import ReadOnly
from accounts.staff import ModelAdmin
from carriers import accounts, finding, validation
from carriers.acts import ACTS
from carriers.conditions import calls_left, condition, used_today, with_health
from carriers.models import (
    AccountNews,
    CarrierAccount,
    Closing,
    DailyUse,
    FingerprintSecret,
    Health,
    KeyUse,
    PollSlip,
    PollTally,
    UnmappedCode,
)


class CarrierAccountForm(forms.ModelForm[CarrierAccount]):
    """Takes a new key without showing the old one."""

    new_key = forms.CharField(
        label="Key",
        required=False,
        validators=[validation.key],
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text="Never shown. A new key takes a suspended account up again; empty keeps the old one.",
    )

    new_push_secret = forms.CharField(
        label="Push secret",
        required=False,
        validators=[validation.key],
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text="What the carrier shows when it calls the push path. Never shown; empty keeps the old one.",
    )

    class Meta:
        model = CarrierAccount
        fields = ("merchant", "courier", "base_url", "time_zone", "daily_quota", "pace_limit")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["new_key"].required = options.get("instance") is None


#: What of an account's health its page shows.
_HEALTH = (
    "circuit", "open_until", "openings", "failing", "last_answer_at", "last_failure_at", "last_failure",
    "pace", "pace_changed_at", "paced_until",
)  # fmt: skip


class CarrierAccountAdmin(Acting[CarrierAccount]):
    """`trackers.admin` registers it, with what its polls came to."""

    form = CarrierAccountForm
    list_display = ("courier", "merchant", "state", "status", "calls_left_today", "changed_at")
    list_filter = ("courier", "state")
    search_fields = ("id",)
    search_help_text = "Courier, merchant, or id"
    autocomplete_fields = ("merchant",)
    readonly_fields = (
        "id", "state", "suspended_reason", "suspended_at", "resting_until", "status", "calls_go",
        "calls_today", "calls_left_today", "push_path", "created_at", "changed_at",
    )  # fmt: skip
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("merchant", "courier"),
                    ("base_url", "time_zone"),
                    ("daily_quota", "pace_limit"),
                    ("new_key", "new_push_secret"),
                )
            },
        ),
        ("How it is", {"classes": ("collapse",), "fields": readonly_fields}),
    )
    acts = ACTS

    def get_queryset(self, request: HttpRequest) -> QuerySet[CarrierAccount]:
        """Without the keys: one that cannot be decrypted must not hide the page where it is replaced."""
        accounts_ = super().get_queryset(request).defer("key", "push_secret")
        return with_health(accounts_.select_related("merchant"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[CarrierAccount], search_term: str
    ) -> tuple[QuerySet[CarrierAccount], bool]:
        term = search_term.strip()
        return (finding.found(queryset, term) if term else queryset), False

    @admin.display(description="status")
    def status(self, account: CarrierAccount) -> str:
        """How it is in a word, and why, and until when."""
        how = condition(account, timezone.now())
        until = f" until {how.until:%Y-%m-%d %H:%M:%S} UTC" if how.until else ""
        return f"{how.status.value}{until}" + (f": {how.reason}" if how.reason else "")

    @admin.display(description="how calls go")
    def calls_go(self, account: CarrierAccount) -> str:
        """The row of its health, a line each; one that is being added has none."""
        row = getattr(account, "health", None)
        lines = [(name.replace("_", " "), getattr(row, name)) for name in _HEALTH] if row else []
        return format_html_join("", "{}: {}<br>", lines)

    @admin.display(description="calls today")
    def calls_today(self, account: CarrierAccount) -> int:
        """Reserved on this day at its carrier's home."""
        return used_today(account, timezone.now())

    @admin.display(description="calls left today")
    def calls_left_today(self, account: CarrierAccount) -> str:
        left = calls_left(account, timezone.now())
        return "not counted" if left is None else str(left)

    def has_delete_permission(self, request: HttpRequest, obj: CarrierAccount | None = None) -> bool:
        return False  # its watches would be stranded; suspended, it gives them up

    def get_readonly_fields(self, request: HttpRequest, obj: CarrierAccount | None = None) -> tuple[str, ...]:
        """An account stays with its merchant and its courier: its watches are theirs."""
        return (*self.readonly_fields, "merchant", "courier") if obj else self.readonly_fields

    def save_model(
        self,
        request: HttpRequest,
        obj: CarrierAccount,
        form: forms.ModelForm[CarrierAccount],
        change: bool,  # noqa: FBT001 (Django's signature)
    ) -> None:
        """Only what was typed is written: the account's health may have changed since the page was opened."""
        secret = form.cleaned_data["new_push_secret"]
        if secret:
            obj.push_secret = secret
        if form.cleaned_data["new_key"]:
            accounts.replace_key(obj, form.cleaned_data["new_key"])
        if change:
            obj.changed_at = Now()
            told = ["push_secret"] if secret else []
            obj.save(
                update_fields=["base_url", "time_zone", "daily_quota", "pace_limit", "changed_at", *told]
            )


@admin.register(UnmappedCode)
class UnmappedCodeAdmin(ReadOnly, ModelAdmin[UnmappedCode]):
    """What no map knows yet. `manage.py remap` takes off the list what one knows by now."""

    list_display = ("courier", "code", "text", "count", "first_seen_at", "last_seen_at")
    list_filter = ("courier",)
    search_fields = ("code", "text")
    ordering = ("-last_seen_at",)
    fields = ("courier", "code", "text", "count", "first_seen_at", "last_seen_at", "examples")
    readonly_fields = ("examples",)

    @admin.display(description="Newest examples")
    def examples(self, obj: UnmappedCode) -> SafeString:
        """What the carrier said, of which tracker, and what else of the scan is a code."""
        told = (
            (one["seenAt"], one["trackerId"], one["text"], json.dumps(one["raw"], ensure_ascii=False))
            for one in obj.samples
        )
        return format_html_join("", "<p>{}, tracker {}: {}<br><code>{}</code></p>", told)


@admin.register(Closing)
class ClosingAdmin(Big, ReadOnly, ModelAdmin[Closing]):
    """What carriers are still to be told of trackers that stopped."""

    list_display = ("tracker_id", "account_id", "failures", "next_attempt_at", "claimed_until", "created_at")
    searched = {"tracker_id": ("next_attempt_at",), "account": ("-tracker_id",)}
    search_help_text = "Id of the tracker, or of the carrier account"
    ordering = ("next_attempt_at",)


@admin.register(Health)
class HealthAdmin(ReadOnly, ModelAdmin[Health]):
    list_display = ("account", "circuit", "open_until", "pace", "last_answer_at", "last_failure_at")
    list_filter = ("circuit",)
    list_select_related = ("account__merchant",)
    search_fields = ("=account__id",)
    ordering = ("account_id",)


@admin.register(DailyUse)
class DailyUseAdmin(ReadOnly, ModelAdmin[DailyUse]):
    list_display = ("courier", "account_id", "day", "reserved")
    list_filter = ("courier",)
    search_fields = ("=account__id",)
    ordering = ("-day", "-reserved")


@admin.register(KeyUse)
class KeyUseAdmin(ReadOnly, ModelAdmin[KeyUse]):
    """Of which key nobody is told: that would say who else has it."""

    list_display = ("courier", "day", "reserved")
    fields = list_display
    list_filter = ("courier",)
    ordering = ("-day", "-reserved")


@admin.register(FingerprintSecret)
class FingerprintSecretAdmin(ReadOnly, ModelAdmin[FingerprintSecret]):
    list_display = ("id", "made_at")
    fields = ("made_at",)


@admin.register(AccountNews)
class AccountNewsAdmin(ReadOnly, ModelAdmin[AccountNews]):
    list_display = ("account_id", "kind", "happened_at")
    ordering = ("-id",)


@admin.register(PollTally)
class PollTallyAdmin(Big, ReadOnly, ModelAdmin[PollTally]):
    """What the dashboard adds up."""

    list_display = ("since", "account_id", "outcome", "polls", "slowest_ms", "counted_at")
    searched = {"account_id": ("-since", "-outcome")}
    search_help_text = "Id of the carrier account"
    ordering = ("-since", "-id")


@admin.register(PollSlip)
class PollSlipAdmin(ReadOnly, ModelAdmin[PollSlip]):
    """What is not counted yet."""

    list_display = ("since", "account_id", "outcome", "polls", "slowest_ms")
    ordering = ("-id",)
