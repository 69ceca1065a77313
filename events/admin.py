"""The log, for reading only."""

from django.contrib import admin

from accounts.lists import Big
from accounts.read_only import ReadOnly
from accounts.staff import ModelAdmin
from events.models import Event


@admin.register(Event)
class EventAdmin(Big, ReadOnly, ModelAdmin[Event]):
    list_display = ("position", "type", "stream", "version", "occurred_at", "recorded_at")
    searched = {"stream": ("-version",)}
    linked = ("merchant__id__exact",)
    search_help_text = "Id of a tracker, an endpoint or a carrier account"
    ordering = ("-position",)
