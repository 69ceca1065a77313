"""The words of the log, and the change feed, as OpenAPI describes them."""

from collections.abc import Iterable
from types import ModuleType, NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from accounts.describing import (
    FLAG,
    MOMENT,
    TEXT,
    UUID,
    WHOLE,
    Answer,
    Operation,
    Schema,
    enveloped,
    listed,
    nullable,
    record,
    ref,
    told,
    words,
)
from events.catalog import Fact, TrackerCreated, names_of
from events.statuses import Category, Milestone, StatusCode
from events.views import FeedQuery

TAG = {
    "name": "Log",
    "description": "Everything that was recorded for you, in order, by a cursor that never skips.",
}
ERRORS: dict[str, str] = {}

_DATETIME = (
    "A carrier's time in the form that it allows: with `Z`, with an offset, without either where the zone is "
    "only assumed, or the day alone."
)
SCHEMAS: dict[str, Schema] = {
    "Milestone": words(Milestone, "Where a parcel is; always set."),
    "StatusCategory": words(Category, "The group that a status code belongs to."),
    "StatusCode": words(StatusCode, "The fine state; null where a scan says nothing of the kind."),
    "Datetime": {
        "type": "string",
        "pattern": r"^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d(:\d\d)?)?)?$",
        "description": _DATETIME,
    },
}

_EXAMPLE = {
    "eventId": "0195f0c2-7a52-7a34-8e5f-6a7b8c9d0e1f",
    "type": TrackerCreated.type,
    "trackerId": "0195f0c2-7a51-7cc0-8b1a-1f2e3d4c5b6a",
    "sequence": 1,
    "occurredAt": None,
    "recordedAt": "2026-03-01T11:09:00.000Z",
}

#: Fields of facts whose text is of a closed form.
_FORMS: dict[str, Schema] = {
    "statusCode": nullable(ref("StatusCode")),
    "statusMilestone": nullable(ref("Milestone")),
    "occurrenceDatetime": nullable(ref("Datetime")),
    "timeCertainty": ref("TimeCertainty"),
}
_TYPES: dict[Any, Schema] = {
    str: TEXT,
    int: WHOLE,
    bool: FLAG,
    Any: {},
    NoneType: {"type": "null"},
}


def facts_of(module: ModuleType) -> list[type[Fact]]:
    """The event types that a module defines."""
    kinds = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Fact)]
    return [kind for kind in kinds if kind.__module__ == module.__name__ and isinstance(_type_of(kind), str)]


def feed_schemas(kinds: Iterable[type[Fact]]) -> dict[str, Schema]:
    """`FeedEvent`, `EventLine`, and one component for the data of each type: what its dataclass holds."""
    by_type = {kind.type: kind for kind in kinds}
    schemas = {component_of(name): data_schema(kind) for name, kind in by_type.items()}
    schemas["FeedEvent"] = {
        "oneOf": [_feed_event(name) for name in sorted(by_type)],
        "description": "One record of the log. `sequence` counts the events of one stream from 1.",
    }
    kind: Schema = {"type": "string", "const": "event"}
    schemas["EventLine"] = {
        "oneOf": [_feed_event(name, kind=kind) for name in sorted(by_type)],
        "description": "The same as a line of an export.",
    }
    return schemas


def component_of(event_type: str) -> str:
    """`tracking.scan_amended` has its data in the component `TrackingScanAmendedData`."""
    return event_type.replace(".", "_").title().replace("_", "") + "Data"


def data_schema(kind: type[Fact]) -> Schema:
    """What the feed shows as the data of an event type. Raises KeyError for a field of another type."""
    hints = get_type_hints(kind)
    properties = {name: _FORMS.get(name, _schema_of(hints[field])) for field, name in names_of(kind)}
    return record(properties, description=f"The data of `{kind.type}`. {_first_line(kind)}")


def _feed_event(event_type: str, **more: Schema) -> Schema:
    return record(
        {
            **more,
            "eventId": UUID,
            "type": {"type": "string", "const": event_type},
            "trackerId": UUID if event_type.startswith(("tracker.", "tracking.")) else {"type": "null"},
            "sequence": {"type": "integer", "minimum": 1},
            "occurredAt": told(nullable(MOMENT), "The carrier's own moment, where it is known."),
            "recordedAt": MOMENT,
            "data": ref(component_of(event_type)),
        }
    )


def _schema_of(hint: Any) -> Schema:
    origin = get_origin(hint)
    if origin is UnionType:
        one, *_ = [part for part in get_args(hint) if part is not NoneType]
        return nullable(_schema_of(one))
    if origin is list:
        return listed(_schema_of(get_args(hint)[0]))
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema_of(get_args(hint)[1])}
    return _TYPES[hint]


def _type_of(kind: type[Fact]) -> str | None:
    return vars(kind).get("type")


def _first_line(kind: type[Fact]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


_NO_DATA = dict.fromkeys(data_schema(TrackerCreated)["properties"])
OPERATIONS: dict[str, Operation] = {
    "GET /v1/events": Operation(
        id="listEvents",
        tag="Log",
        summary="Read the log",
        description=(
            "Your events in the order in which they were recorded. Keep `next` and send it as `after`: it is "
            "always given, moves past events that `types` leaves out, and never skips one that is still "
            "being written."
        ),
        query=FeedQuery,
        answers={
            200: Answer(
                description="Events after the cursor, oldest first.",
                schema=enveloped(
                    events=listed(ref("FeedEvent")),
                    next=told(TEXT, "The cursor to go on from."),
                    hasMore=told(FLAG, "Whether there is more to read now."),
                ),
                example={
                    "data": {
                        "events": [
                            _EXAMPLE
                            | {"data": _NO_DATA | {"trackingNumber": "HSBY37H7", "courierCode": ["all24"]}}
                        ],
                        "next": "1",
                        "hasMore": False,
                    }
                },
            )
        },
    ),
}
