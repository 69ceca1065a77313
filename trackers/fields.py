"""Fields of request bodies, read as strictly as Ship24 reads them."""

import re
from datetime import datetime
from typing import Any, NoReturn

import pycountry
from rest_framework import serializers

_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d(:\d\d(:\d\d([.,]\d+)?)?)?(Z|[+-]\d\d(:?\d\d)?)?)?", re.ASCII)


class Text(serializers.CharField):
    """A JSON string, and nothing that merely could be one. Blank counts as absent."""

    def __init__(self, **options: Any) -> None:
        options = {"required": False, "allow_null": True, "allow_blank": True, "max_length": 255} | options
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            raise serializers.ValidationError("expected a string")
        return super().to_internal_value(data)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation(data) or None


class TrackingNumber(serializers.RegexField):
    """A carrier's number for a parcel, which no request can do without: its absence has a code of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            r"\A[a-zA-Z0-9\-_/.]*\Z",
            min_length=5,
            max_length=50,
            trim_whitespace=False,
            error_messages={"invalid": "expected letters, digits and -_/. only"},
            **options,
        )

    def fail(self, key: str, **told: Any) -> NoReturn:
        if key in {"required", "null"}:
            raise serializers.ValidationError(self.error_messages[key], code="missing_mandatory_field")
        super().fail(key, **told)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            raise serializers.ValidationError("expected a string")
        return super().to_internal_value(data)


class Country(Text):
    """ISO 3166-1 alpha-2 or alpha-3, kept as alpha-2."""

    def to_internal_value(self, data: Any) -> Any:
        code = super().to_internal_value(data)
        if code is None:
            return None
        found = None
        if len(code) in {2, 3} and code.isalpha():
            found = pycountry.countries.get(**{f"alpha_{len(code)}": code.upper()})
        if found is None:
            raise serializers.ValidationError("expected an ISO 3166-1 alpha-2 or alpha-3 country code")
        return found.alpha_2


class ShippingDate(Text):
    """A date, or a date and time with or without an offset, kept as it was sent."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        if text is None:
            return None
        if not _is_iso(text):
            raise serializers.ValidationError("expected a date or date-time in ISO 8601")
        return text


class WebAddress(Text):
    """An http or https URL: people will click on it."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        if text is not None and not re.match(r"https?://[^/\s]", text, re.IGNORECASE):
            raise serializers.ValidationError("expected a URL that begins with https:// or http://")
        return text


class Flag(serializers.Field[bool, Any, bool, Any]):
    """A JSON true or false; null, where it is taken, is false."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "allow_null": True} | options)

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("expected true or false")
        return data

    def to_representation(self, value: bool) -> bool:  # noqa: FBT001 (Django REST framework's signature)
        return value


class Couriers(serializers.Field[list[str], Any, list[str], Any]):
    """One courier code, or a list of at most three."""

    def __init__(self, *, known: Any, **options: Any) -> None:
        super().__init__(required=False, **options)
        self._known = known

    def to_internal_value(self, data: Any) -> list[str]:
        codes = [data] if isinstance(data, str) else data
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            raise serializers.ValidationError("expected a courier code or a list of them")
        if len(codes) > 3:
            raise serializers.ValidationError("expected at most 3 courier codes")
        known = self._known()
        if unknown := sorted(set(codes) - set(known)):
            named = ", ".join(map(ascii, unknown))[:200]
            raise serializers.ValidationError(
                f"unknown courier {named}; known are {', '.join(sorted(known))}"
            )
        return list(dict.fromkeys(codes))

    def to_representation(self, value: list[str]) -> list[str]:
        return value


def _is_iso(text: str) -> bool:
    """Python's own reader would also take week dates, dates without hyphens, and any character for the T."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return bool(_ISO.fullmatch(text))
