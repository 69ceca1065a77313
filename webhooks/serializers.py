"""Requests about endpoints and deliveries."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from webhooks.backoff import SCHEDULE_ENTRIES, SCHEDULE_SECONDS
from webhooks.fields import Courier, Headers, Only, Text, TypePattern, Url, Whole
from webhooks.models import Delivery, default_schedule, default_types


class Strict(serializers.Serializer[Any]):
    """Refuses what it does not know, by name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            names = sorted(name[:64].encode("ascii", "backslashreplace").decode() for name in unknown)
            raise serializers.ValidationError(
                {name: ["unknown; expected nothing of this name"] for name in names}
            )
        return super().to_internal_value(data)


class WebhookSerializer(Strict):
    """The body of `POST /v1/webhooks`."""

    url = Url()
    types = serializers.ListField(child=TypePattern(), min_length=1, max_length=50, default=default_types)
    couriers = serializers.ListField(child=Courier(), max_length=50, default=list)
    description = Text(max_length=1000, allow_blank=True, default="")
    headers = Headers(default=dict)
    retrySchedule = serializers.ListField(
        child=Whole(min_value=SCHEDULE_SECONDS[0], max_value=SCHEDULE_SECONDS[1]),
        min_length=SCHEDULE_ENTRIES[0],
        max_length=SCHEDULE_ENTRIES[1],
        default=default_schedule,
    )
    maxInFlight = Whole(min_value=1, max_value=100, default=10)
    ordered = Only(value=False)
    rateLimit = Only(value=None)
    signature = Only(value="v1")

    @staticmethod
    def wishes(valid: Mapping[str, Any]) -> dict[str, Any]:
        """The validated body as the row's own fields."""
        return {
            "url": valid["url"],
            "types": list(dict.fromkeys(valid["types"])),
            "couriers": list(dict.fromkeys(valid["couriers"])),
            "description": valid["description"],
            "headers": valid["headers"],
            "retry_schedule": valid["retrySchedule"],
            "max_in_flight": valid["maxInFlight"],
        }


class PageQuery(Strict):
    """The query of a list; `after` is the last answer's `next`."""

    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    after = serializers.UUIDField(default=None)


class DeliveriesQuery(PageQuery):
    """The query of an endpoint's deliveries. `since` is inclusive, `until` is not."""

    state = serializers.ChoiceField(choices=Delivery.State.choices, default=None)
    since = serializers.DateTimeField(default=None)
    until = serializers.DateTimeField(default=None)
    message = serializers.UUIDField(default=None)
