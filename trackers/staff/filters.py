"""What lists of trackers and watches can be narrowed to: each an index has by itself."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from events.statuses import Milestone
from trackers.models import Tracker, Watch
from trackers.outcomes import FAILING

_Choices = list[tuple[Any, str]]


class FollowedMilestone(SimpleListFilter):
    """Parcels that are followed, by milestone."""

    title = "milestone, of what is followed"
    parameter_name = "milestone"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> _Choices:
        return [(one.value, one.value.replace("_", " ")) for one in Milestone]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tracker]) -> QuerySet[Tracker]:
        if self.value() is None:
            return queryset
        return queryset.filter(milestone=self.value(), is_subscribed=True, stop_reason=None)


class Trouble(SimpleListFilter):
    """Parcels that something is the matter with."""

    title = "trouble"
    parameter_name = "trouble"
    #: The order in which the index has them.
    ORDERING: ClassVar[Mapping[str, tuple[str, ...]]] = {"no_courier": ("-undetected_at", "-id")}

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> _Choices:
        return [("stalled", "nothing is heard"), ("no_courier", "no courier found")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tracker]) -> QuerySet[Tracker]:
        match self.value():
            case "stalled":
                return queryset.filter(stalled_at__isnull=False)
            case "no_courier":
                return queryset.filter(undetected_at__isnull=False)
            case _:
                return queryset


class Failing(SimpleListFilter):
    """Watches whose last poll failed, by how."""

    title = "failing"
    parameter_name = "failing"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> _Choices:
        return [(one, one.replace("_", " ")) for one in FAILING]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Watch]) -> QuerySet[Watch]:
        return queryset.filter(last_outcome=self.value()) if self.value() in FAILING else queryset
