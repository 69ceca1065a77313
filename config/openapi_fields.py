"""Fields of requests that are our own, as OpenAPI: what drf-spectacular cannot see by itself."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction
from rest_framework.serializers import Field

from accounts.describing import Schema, listed, words
from carriers.registry import adapters
from trackers import fields as of_trackers
from trackers import filtering, listing
from webhooks import fields as of_webhooks
from webhooks.filters import DEFAULT_TYPES, MESSAGE_TYPES

_COUNTRY: Schema = {"type": "string", "pattern": "^([A-Za-z]{2,3})?$", "examples": ["TH"]}
_DATE: Schema = {
    "type": "string",
    "pattern": r"^(\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?)?$",
    "maxLength": 40,
    "examples": ["2026-03-01", "2026-03-01T11:09:00+07:00"],
}
_ADDRESS: Schema = {"type": "string", "pattern": r"^([hH][tT][tT][pP][sS]?://[^/\s].*)?$"}
_URL: Schema = {"type": "string", "format": "uri", "maxLength": 2048}
_CODE: Schema = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"}
_HEADERS: Schema = {
    "type": "object",
    "maxProperties": of_webhooks.MAX_HEADERS,
    "propertyNames": {"pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"},
    "additionalProperties": {"type": "string", "pattern": "^[\\x20-\\x7e]{1,4096}$"},
    "examples": [{"Authorization": "Bearer my-secret"}],
}


def _couriers() -> Schema:
    code = words(adapters())
    return {"anyOf": [code, listed(code, maxItems=3)]}


def _words(field: Any) -> Schema:
    """In a body; a query has them separated by commas."""
    return {"anyOf": [listed(words(field.known()), minItems=1), {"type": "string", "minLength": 1}]}


def _type_pattern() -> Schema:
    families = sorted({f"{kind.partition('.')[0]}.*" for kind in MESSAGE_TYPES})
    return {"type": "string", "examples": [*DEFAULT_TYPES, *families, *MESSAGE_TYPES]}


#: How a field of exactly this class looks, null aside.
MAPPED: dict[type[Field[Any, Any, Any, Any]], Callable[[Any], Schema]] = {
    of_trackers.Country: lambda _: dict(_COUNTRY),
    of_trackers.Couriers: lambda _: _couriers(),
    of_trackers.Flag: lambda _: {"type": "boolean"},
    of_trackers.ShippingDate: lambda _: dict(_DATE),
    of_trackers.WebAddress: lambda _: dict(_ADDRESS),
    filtering.Words: _words,
    listing.Cursor: lambda _: {"type": "string"},
    filtering.YesOrNo: lambda _: {"type": "boolean"},
    of_webhooks.Courier: lambda _: dict(_CODE),
    of_webhooks.Headers: lambda _: dict(_HEADERS),
    of_webhooks.TypePattern: lambda _: _type_pattern(),
    of_webhooks.Url: lambda _: dict(_URL),
}


def in_query(schema: Schema) -> Schema:
    """A field as a parameter of a query, where a list is its items with commas between."""
    lists = [one for one in schema.get("anyOf", []) if one.get("type") == "array"]
    form = {"schema": lists[0], "style": "form", "explode": False} if lists else {"schema": schema}
    return {"description": schema.pop("description", ""), **form}


class OwnFields(OpenApiSerializerFieldExtension):
    """The fields of MAPPED."""

    target_class = "rest_framework.serializers.Field"
    priority = 1

    @classmethod
    def _matches(cls, target: Any) -> bool:
        return type(target) in MAPPED

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        return MAPPED[type(self.target)](self.target)


class StrictObjects(OpenApiSerializerExtension):
    """Serializers that refuse what they do not know."""

    target_class = "webhooks.serializers.Strict"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        mapped: Schema = auto_schema._map_serializer(  # noqa: SLF001 (the library documents it)
            self.target, direction, bypass_extensions=True
        )
        return mapped | {"additionalProperties": False}
