"""Requests about endpoints and deliveries."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from webhooks.backoff import SCHEDULE_ENTRIES, SCHEDULE_SECONDS
from webhooks.fields import AfterPlace, Courier, Flag, Headers, Items, Text, TypePattern, Url, Whole, Word
from webhooks.models import Delivery, Signature, default_schedule, default_types
from webhooks.recovering import DEFAULT_STATES, RECOVERABLE
from webhooks.rotating import DEFAULT_OVERLAP, OVERLAP

#: Fields of requests whose columns have other names.
_COLUMNS = {"retrySchedule": "retry_schedule", "maxInFlight": "max_in_flight", "rateLimit": "rate_limit"}

#: Unknown fields that an answer names: there may be as many as fit into a body.
MOST_TOLD = 20


class Strict(serializers.Serializer[Any]):
    """Refuses what it does not know, by name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            told = sorted(unknown)[:MOST_TOLD]
            names = [name[:64].encode("ascii", "backslashreplace").decode() for name in told]
            raise serializers.ValidationError(
                {name: ["unknown; expected nothing of this name"] for name in names}
            )
        return super().to_internal_value(data)


class WebhookSerializer(Strict):
    """The body of `POST /v1/webhooks`."""

    url = Url()
    types = Items(child=TypePattern(), min_length=1, max_length=50, default=default_types)
    couriers = Items(child=Courier(), max_length=50, default=list)
    description = Text(max_length=1000, allow_blank=True, default="")
    headers = Headers(default=dict)
    retrySchedule = Items(
        child=Whole(min_value=SCHEDULE_SECONDS[0], max_value=SCHEDULE_SECONDS[1]),
        min_length=SCHEDULE_ENTRIES[0],
        max_length=SCHEDULE_ENTRIES[1],
        default=default_schedule,
    )
    maxInFlight = Whole(min_value=1, max_value=100, default=10)
    ordered = Flag(default=False)
    rateLimit = Whole(min_value=1, max_value=10_000, allow_null=True, default=None)
    signature = Word(choices=Signature.values, default=Signature.V1.value)

    @staticmethod
    def wishes(valid: Mapping[str, Any]) -> dict[str, Any]:
        """The validated body as the row's own fields: those that it has."""
        wishes = {_COLUMNS.get(name, name): value for name, value in valid.items()}
        once = {name: list(dict.fromkeys(wishes[name])) for name in ("types", "couriers") if name in wishes}
        return wishes | once


class WebhookUpdateSerializer(WebhookSerializer):
    """The body of `PATCH /v1/webhooks/{id}`: what is left out stays as it is."""

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            field.default, field.required = empty, False
        return fields


class RotationSerializer(Strict):
    """The body of `POST /v1/webhooks/{id}/rotate-secret`."""

    overlapSeconds = Whole(min_value=OVERLAP[0], max_value=OVERLAP[1], default=DEFAULT_OVERLAP)


class PageQuery(Strict):
    """The query of a list; `after` is the last answer's `next`."""

    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    after = serializers.UUIDField(default=None)


class DeliveriesQuery(Strict):
    """The query of an endpoint's deliveries. `since` is inclusive, `until` is not."""

    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    after = AfterPlace(default=None)
    state = serializers.ChoiceField(choices=Delivery.State.choices, default=None)
    since = serializers.DateTimeField(default=None)
    until = serializers.DateTimeField(default=None)
    message = serializers.UUIDField(default=None)


class RecoverySerializer(Strict):
    """The body of `POST /v1/webhooks/{id}/recover`."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True, default=None)
    states = Items(
        child=Word(choices=RECOVERABLE),
        min_length=1,
        max_length=len(RECOVERABLE),
        default=list(DEFAULT_STATES),
    )
