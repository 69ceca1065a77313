"""Merchants and their keys for operations staff. A key is shown once, right after it is made."""

from django.contrib import admin, messages
from django.http import HttpRequest

from accounts.models import ApiKey, Merchant


@admin.register(Merchant)
class MerchantAdmin(admin.ModelAdmin[Merchant]):
    list_display = ("name", "id", "contact_email", "created_at")
    search_fields = ("name", "id")
    readonly_fields = ("id", "created_at")

    def has_delete_permission(self, request: HttpRequest, obj: Merchant | None = None) -> bool:
        return False  # its log is append-only


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    list_display = ("shown", "merchant", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("merchant",)
    autocomplete_fields = ("merchant",)
    fields = ("merchant", "shown", "created_at", "last_used_at", "revoked_at")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        made = ("shown", "created_at", "last_used_at")
        return (*made, "merchant") if obj else (*made, "revoked_at")

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False  # revoking leaves the trace

    def save_model(self, request: HttpRequest, obj: ApiKey, form: object, change: bool) -> None:  # noqa: FBT001
        if change:
            obj.save(update_fields=["revoked_at"])
            return
        issued, key = ApiKey.issue(obj.merchant)
        obj.pk, obj.shown = issued.pk, issued.shown
        messages.warning(request, f"The key, shown this once: {key}")
