"""Endpoints and their deliveries for operations staff: for reading, but for an endpoint's description."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from accounts.acting import Acting
from accounts.lists import Big
from accounts.read_only import ReadOnly
from accounts.staff import ModelAdmin, TabularInline, WithPage
from webhooks.acts import OF_DELIVERIES, OF_ENDPOINTS
from webhooks.models import (
    SECRET_COLUMNS,
    Attempt,
    Delivery,
    Endpoint,
    ExtraTry,
    HourTally,
    Lane,
    Message,
    Notice,
    Recovery,
    Tally,
)
from webhooks.places import Place
from webhooks.showing import shown
from webhooks.staff import finding
from webhooks.staff.endpoint import EndpointPage, endpoint_page


@admin.register(Endpoint)
class EndpointAdmin(WithPage, Big, Acting[Endpoint]):
    """Neither the secret nor the values of headers are among the fields."""

    acts = OF_ENDPOINTS

    list_display = (
        "url",
        "merchant",
        "state",
        "disabled_reason",
        "failing_since",
        "created_at",
        "deleted_at",
    )
    list_filter = ("state",)
    list_select_related = ("merchant",)
    search_help_text = "Host of the URL or the end of it, id, or merchant"
    ordering = ("-id",)
    change_form_outer_before_template = "webhooks/staff/endpoint.html"
    fieldsets = (
        (None, {"fields": ("description",)}),
        (
            "What its merchant wishes",
            {
                "classes": ("collapse",),
                "fields": (
                    ("id", "url"),
                    ("types", "couriers"),
                    ("signature", "public_key"),
                    ("header_names", "retry_schedule"),
                    ("max_in_flight", "rate_limit"),
                    ("ordered", "created_at"),
                ),
            },
        ),
        (
            "How it is",
            {
                "classes": ("collapse",),
                "fields": (
                    ("state", "disabled_reason"),
                    ("disabled_at", "paused_at"),
                    ("enabling_by", "failing_since"),
                    ("failing_tries", "timeouts"),
                    ("slow_since", "deleted_at"),
                ),
            },
        ),
    )
    readonly_fields = (
        "id", "url", "types", "couriers", "signature", "public_key", "header_names", "retry_schedule",
        "max_in_flight", "rate_limit", "ordered", "created_at", "state", "disabled_reason", "disabled_at",
        "paused_at", "enabling_by", "failing_since", "failing_tries", "timeouts", "slow_since", "deleted_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        return super().get_queryset(request).select_related("merchant").defer(*SECRET_COLUMNS)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("url",)

    def found(self, rows: QuerySet[Endpoint], term: str) -> QuerySet[Endpoint]:
        return finding.found(rows, term)

    def page_of(self, request: HttpRequest, row: Endpoint) -> EndpointPage:
        state = request.GET.get("state", "")
        below = request.GET.get("older", "")
        try:
            place = Place.read(below) if below else None
        except (ValueError, OverflowError) as error:
            raise Http404 from error
        if state and state not in Delivery.State.values:
            raise Http404
        return endpoint_page(row, state, place)

    @admin.display(description="headers")
    def header_names(self, endpoint: Endpoint) -> str:
        names = shown(Endpoint.objects.filter(id=endpoint.id))[0].header_names
        if names is None:
            return "removed" if endpoint.deleted_at else "unreadable"
        return ", ".join(names)

    def save_model(self, request: HttpRequest, obj: Endpoint, form: object, change: bool) -> None:  # noqa: FBT001
        # The rest of the row is the workers' while the form is open.
        obj.save(update_fields=["description"])

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # its secret could not be shown to its merchant

    def has_delete_permission(self, request: HttpRequest, obj: Endpoint | None = None) -> bool:
        return False


@admin.register(Message)
class MessageAdmin(Big, ReadOnly, ModelAdmin[Message]):
    list_display = ("id", "type", "stream", "sequence", "created_at")
    searched = {"id": ("-id",), "stream": ("-sequence",)}
    search_help_text = "Id of the message (webhook-id), or of the tracker, endpoint or account it is about"
    ordering = ("-id",)
    fields = ("id", "merchant", "type", "stream", "sequence", "text", "created_at")

    @admin.display(description="body")
    def text(self, message: Message) -> str:
        return bytes(message.body).decode(errors="replace")


class AttemptInline(ReadOnly, TabularInline[Attempt, Delivery]):
    model = Attempt
    extra = 0
    ordering = ("number",)
    fields = (
        "number",
        "trigger",
        "started_at",
        "duration_ms",
        "status_code",
        "error",
        "response_body",
        "response_headers",
        "address",
    )


@admin.register(Delivery)
class DeliveryAdmin(Big, ReadOnly, Acting[Delivery]):
    acts = OF_DELIVERIES
    list_display = (
        "id",
        "endpoint",
        "message",
        "state",
        "late",
        "attempt_count",
        "next_attempt_at",
        "created_at",
    )
    searched = {"id": ("-id",), "endpoint": ("-created_at", "-id"), "message": ("-endpoint_id",)}
    search_help_text = "Id of the delivery, its endpoint or its message; by state at the endpoint's page"
    ordering = ("-id",)
    inlines = (AttemptInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        found = super().get_queryset(request).select_related("endpoint", "message")
        return found.defer("message__body", *(f"endpoint__{name}" for name in SECRET_COLUMNS))


@admin.register(Attempt)
class AttemptAdmin(Big, ReadOnly, ModelAdmin[Attempt]):
    list_display = ("delivery", "number", "trigger", "started_at", "status_code", "error", "address")
    searched = {"id": ("-id",), "delivery": ("-number",)}
    search_help_text = "Id of the attempt, or of its delivery"
    ordering = ("-id",)


class OfEndpoint(Big, ReadOnly):
    """What is kept of an endpoint beside its row: found by its id, and shown without reading its secrets."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]  # a mixin
        return found.select_related("endpoint").defer(*(f"endpoint__{name}" for name in SECRET_COLUMNS))


@admin.register(Recovery)
class RecoveryAdmin(OfEndpoint, ModelAdmin[Recovery]):
    list_display = ("id", "endpoint", "state", "since", "until", "examined", "recovered", "reached_at")
    searched = {"id": ("-id",), "endpoint": ("-id",)}
    search_help_text = "Id of the recovery, or of its endpoint"
    ordering = ("-id",)


@admin.register(ExtraTry)
class ExtraTryAdmin(OfEndpoint, ModelAdmin[ExtraTry]):
    list_select_related = ("endpoint", "delivery")
    list_display = ("delivery", "endpoint", "trigger", "asked_at", "claim_id")
    searched = {"delivery": ("-pk",), "endpoint": ("-asked_at",)}
    search_help_text = "Id of the delivery, or of the endpoint"
    ordering = ("-pk",)


@admin.register(Tally)
class TallyAdmin(OfEndpoint, ModelAdmin[Tally]):
    list_display = ("endpoint", "since", "error", "tries", "duration_ms", "slowest_ms")
    searched = {"endpoint": ("-since", "-error")}
    search_help_text = "Id of the endpoint"
    ordering = ("-since", "-id")


@admin.register(Lane)
class LaneAdmin(OfEndpoint, ModelAdmin[Lane]):
    list_display = ("endpoint", "claimed_through", "late_through", "recent_at", "recent")
    searched = {"endpoint": ("-endpoint_id",)}
    search_help_text = "Id of the endpoint"
    ordering = ("-endpoint_id",)


@admin.register(Notice)
class NoticeAdmin(OfEndpoint, ModelAdmin[Notice]):
    list_display = ("endpoint", "reason", "created_at", "next_try_at", "tries", "sent_at")
    ordering = ("-id",)


@admin.register(HourTally)
class HourTallyAdmin(ReadOnly, ModelAdmin[HourTally]):
    list_display = ("since", "error", "tries", "slowest_ms", "counted_at")
    list_filter = ("error",)
    ordering = ("-since", "error")
