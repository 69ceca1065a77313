"""Requests about carrier accounts."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import serializers

from carriers import validation
from carriers.registry import pushing
from webhooks.fields import Text, Whole
from webhooks.serializers import Strict


class Secret(Text):
    """A key or a secret: taken as it was sent, and in no answer."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            trim_whitespace=False, write_only=True, max_length=1_000, validators=[validation.key], **options
        )


class Pace(serializers.FloatField):
    """Calls a second: a JSON number within what `carriers.validation.pace` takes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=validation.SLOWEST, max_value=validation.FASTEST, **options)

    def to_internal_value(self, data: Any) -> float:
        if not isinstance(data, int | float) or isinstance(data, bool):
            raise serializers.ValidationError("expected a number")
        try:
            validation.pace(data)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages) from None
        return float(data)


class AccountBody(Strict):
    """The body of `POST /v1/carrier-accounts`."""

    courierCode = Text(max_length=32, validators=[validation.courier])
    key = Secret()
    baseUrl = Text(
        max_length=2048, allow_null=True, allow_blank=True, default=None, validators=[validation.base_url]
    )
    timeZone = Text(
        max_length=64, allow_null=True, allow_blank=True, default=None, validators=[validation.time_zone]
    )
    pushSecret = Secret(allow_null=True, default=None)
    dailyQuota = Whole(allow_null=True, default=None, min_value=1, max_value=validation.MOST_A_DAY)
    pace = Pace(allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        refuse_push_secret(attrs["courierCode"], attrs)
        refuse_quota(attrs["courierCode"], attrs["dailyQuota"])
        return attrs

    @staticmethod
    def wishes(valid: Mapping[str, Any]) -> dict[str, Any]:
        """The validated body as the row's own fields."""
        return {
            "courier": valid["courierCode"],
            "key": valid["key"],
            "base_url": valid["baseUrl"] or "",
            "time_zone": valid["timeZone"] or "",
            "push_secret": valid["pushSecret"],
            "daily_quota": valid["dailyQuota"],
            "pace_limit": valid["pace"],
        }


class KeyBody(Strict):
    """The body of `PUT /v1/carrier-accounts/{id}/key`. Without `pushSecret` the one there is stays."""

    key = Secret()
    pushSecret = Secret(allow_null=True, required=False)


def refuse_quota(courier: str, calls: int | None) -> None:
    """Raises ValidationError for a day in which no poll would fit."""
    try:
        validation.daily_quota(calls, courier)
    except ValidationError as error:
        raise serializers.ValidationError({"dailyQuota": error.messages}) from None


def refuse_push_secret(courier: str, valid: Mapping[str, Any]) -> None:
    """Raises ValidationError for the secret of a carrier that never calls."""
    if valid.get("pushSecret") is not None and courier not in pushing():
        raise serializers.ValidationError({"pushSecret": ["this carrier sends no pushes"]})
