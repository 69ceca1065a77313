"""Requests about carrier accounts."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from carriers import validation
from carriers.registry import pushing
from webhooks.fields import Text
from webhooks.serializers import Strict


class Secret(Text):
    """A key or a secret: taken as it was sent, and in no answer."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            trim_whitespace=False, write_only=True, max_length=1_000, validators=[validation.key], **options
        )


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

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        refuse_push_secret(attrs["courierCode"], attrs)
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
        }


class KeyBody(Strict):
    """The body of `PUT /v1/carrier-accounts/{id}/key`. Without `pushSecret` the one there is stays."""

    key = Secret()
    pushSecret = Secret(allow_null=True, required=False)


def refuse_push_secret(courier: str, valid: Mapping[str, Any]) -> None:
    """Raises ValidationError for the secret of a carrier that never calls."""
    if valid.get("pushSecret") is not None and courier not in pushing():
        raise serializers.ValidationError({"pushSecret": ["this carrier sends no pushes"]})
