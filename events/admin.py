"""The log, for reading only."""

from django.contrib import admin

from accounts.read_only import ReadOnly
from accounts.staff import ModelAdmin
from events.models import Event


@admin.register(Event)
class EventAdmin(ReadOnly, ModelAdmin[Event]):
    list_display = ("position", "type", "stream", "version", "occurred_at", "recorded_at")
    search_fields = ("=stream",)
    ordering = ("-position",)
    show_full_result_count = False
