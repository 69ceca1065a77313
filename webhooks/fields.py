"""Fields of request bodies, read strictly: a JSON type that could be turned into the right one is wrong."""

import re
from typing import Any

from rest_framework import serializers

from webhooks.destinations import check
from webhooks.exceptions import UrlRefused
from webhooks.filters import MESSAGE_TYPES, is_pattern
from webhooks.headers import is_name, is_value
from webhooks.places import Place

#: Set by the sender, or changing how the request is framed.
_OWN_HEADERS = frozenset(
    {
        "host",
        "connection",
        "expect",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_OWN_PREFIXES = ("content-", "proxy-", "webhook-")
MAX_HEADERS = 20


class Text(serializers.CharField):
    """A JSON string."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("expected a string")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A JSON number without a fraction."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            raise serializers.ValidationError("expected a whole number")
        return data


class Flag(serializers.BooleanField):
    """A JSON true or false."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("expected true or false")
        return data


class Word(serializers.ChoiceField):
    """One of some words. The message does not repeat what was sent."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            raise serializers.ValidationError(f"expected one of {', '.join(self.choices)}")
        return data


class Items(serializers.ListField):
    """A JSON list. One that is too long is refused before what is in it is looked at, thing by thing."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            raise serializers.ValidationError(f"expected at most {self.max_length} elements")
        found: list[Any] = super().to_internal_value(data)
        return found


class AfterPlace(Text):
    """The cursor of a list of deliveries."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return Place.read(super().to_internal_value(data))
        except ValueError:
            raise serializers.ValidationError("expected the `next` of an earlier answer") from None


class Url(Text):
    """A URL that webhooks may be sent to."""

    def to_internal_value(self, data: Any) -> str:
        url = super().to_internal_value(data)
        try:
            check(url)
        except UrlRefused as refused:
            raise serializers.ValidationError(str(refused)) from refused
        return url


class TypePattern(Text):
    """A message type, or a beginning of some with `*`."""

    def to_internal_value(self, data: Any) -> str:
        pattern = super().to_internal_value(data)
        if not is_pattern(pattern):
            known = ", ".join(MESSAGE_TYPES)
            raise serializers.ValidationError(
                f"{pattern[:64]!a} matches no message type; take one of {known}, or tracking.* and the like"
            )
        return pattern


class Courier(Text):
    """A courier code."""

    def to_internal_value(self, data: Any) -> str:
        code = super().to_internal_value(data)
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", code):
            raise serializers.ValidationError("expected a courier code")
        return code


class Headers(serializers.Field[dict[str, str], Any, dict[str, str], Any]):
    """Request headers that an endpoint wants besides ours, as an object of strings."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("expected an object of header names and values")
        if len(data) > MAX_HEADERS:
            raise serializers.ValidationError(f"expected at most {MAX_HEADERS} headers")
        if len({name.lower() for name in data}) < len(data):
            raise serializers.ValidationError("a header is there twice")
        for name, value in data.items():
            _check_header(name, value)
        return data


def _check_header(name: str, value: Any) -> None:
    """The message shows the name, and never the value: it may be a secret."""
    shown = ascii(name[:100])
    if not is_name(name):
        raise serializers.ValidationError(f"{shown} is no header name")
    if name.lower() in _OWN_HEADERS or name.lower().startswith(_OWN_PREFIXES):
        raise serializers.ValidationError(f"{shown} is set by the sender")
    if not is_value(value):
        raise serializers.ValidationError(
            f"the value of {shown} is not 1 to 4096 printable ASCII characters in one line"
        )
