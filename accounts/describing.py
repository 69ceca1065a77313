"""How an operation of the API is described, and the small words that its JSON schemas are written in.

Descriptions stand apart from the views, by the route as docs/api.md writes it: `GET /v1/trackers`.
`config.openapi` makes the OpenAPI document of them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rest_framework.serializers import Serializer

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer that is no error. Without a schema it has no body; `headers` names components."""

    description: str
    schema: Schema | None = None
    example: Any = None
    headers: tuple[str, ...] = ()
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one route.

    `errors` are the codes that only some routes answer, by status; what every route of the native API may
    answer is added. `query` and `body` are the serializers that the view reads with, or `body` a schema, and
    `parameters` names components. An operation that is not `native` has no more errors than
    `answers` holds.
    """

    id: str
    tag: str
    summary: str
    description: str
    answers: Mapping[int, Answer]
    errors: Mapping[int, Collection[str]] = field(default_factory=dict)
    query: type[Serializer[Any]] | None = None
    parameters: tuple[str, ...] = ()
    body: type[Serializer[Any]] | Schema | None = None
    body_example: Any = None
    body_required: bool = True
    body_media_types: tuple[str, ...] = ("application/json",)
    security: tuple[str, ...] = ("bearer",)
    native: bool = True


TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
UUID: Schema = {"type": "string", "format": "uuid"}
#: A moment in UTC, as fields whose names end in `At` have it.
MOMENT: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}
STRINGS: Schema = {"type": "array", "items": TEXT}


def ref(name: str) -> Schema:
    """A schema among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def told(schema: Schema, description: str) -> Schema:
    """The schema with a description."""
    return {**schema, "description": description}


def record(
    properties: Mapping[str, Schema], *, optional: Iterable[str] = (), description: str = ""
) -> Schema:
    """An object with these properties and no other."""
    left_out = set(optional)
    schema: Schema = {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in left_out],
        "additionalProperties": False,
    }
    return told(schema, description) if description else schema


def enveloped(**fields: Schema) -> Schema:
    """An answer that has these fields under `data`."""
    return record({"data": record(fields)})


def listed(items: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": items, **limits}


def words(values: Iterable[str], description: str = "") -> Schema:
    """One word of a closed list."""
    schema: Schema = {"type": "string", "enum": [str(value) for value in values]}
    return told(schema, description) if description else schema


def nullable(schema: Schema) -> Schema:
    """This, or null."""
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    given = schema["type"]
    types = [*given, "null"] if isinstance(given, list) else [given, "null"]
    extended = {**schema, "type": types}
    return extended | {"enum": [*schema["enum"], None]} if "enum" in schema else extended
