"""The bulk create, which has an envelope of its own."""

from typing import Any

from accounts.describing import (
    TEXT,
    WHOLE,
    Answer,
    Operation,
    Schema,
    listed,
    nullable,
    record,
    ref,
    told,
    words,
)
from trackers.schemas import examples

_FAULT = record({"code": ref("ErrorCode"), "message": TEXT})
_ITEM = ref("TrackerCreateRequest")
_LIST = listed(_ITEM, minItems=1, maxItems=100)

SCHEMAS: dict[str, Schema] = {
    "BulkItem": record(
        {
            "itemStatus": words(["created", "existing", "error"]),
            "inputData": {"type": "object", "description": "What you sent; empty where it was no object."},
            "tracker": nullable(ref("PolledTracker")),
            "errors": nullable(listed(_FAULT, minItems=1)),
        }
    ),
    "BulkAnswer": record(
        {
            "status": words(["success", "partial", "error"]),
            "summary": nullable(
                record(dict.fromkeys(("totalInputs", "totalCreated", "totalExisting", "totalErrors"), WHOLE))
            ),
            "data": told(nullable(listed(ref("BulkItem"))), "A result for each item, in their order."),
            "error": nullable(_FAULT),
        },
        description="The envelope of the bulk create, as Ship24 has it.",
    ),
}

_MADE: dict[str, Any] = {
    "itemStatus": "created",
    "inputData": examples.CREATE,
    "tracker": examples.POLLED,
    "errors": None,
}
_FAILED: dict[str, Any] = {
    "itemStatus": "error",
    "inputData": {"trackingNumber": "abc"},
    "tracker": None,
    "errors": [
        {
            "code": "validation_error",
            "message": "trackingNumber: Ensure this field has at least 5 characters.",
        }
    ],
}


def _summary(created: int, errors: int) -> dict[str, int]:
    return {
        "totalInputs": created + errors,
        "totalCreated": created,
        "totalExisting": 0,
        "totalErrors": errors,
    }


def _answer(description: str, status: str, summary: Any, data: Any, error: Any = None) -> Answer:
    example = {"status": status, "summary": summary, "data": data, "error": error}
    return Answer(description=description, schema=ref("BulkAnswer"), example=example)


OPERATIONS: dict[str, Operation] = {
    "POST /v1/trackers/bulk": Operation(
        id="createTrackers",
        tag="Trackers",
        summary="Follow up to 100 parcels",
        description=(
            "Each item is a create of its own: what is wrong with one does not hurt the others. The body is "
            "the list, or an object with the list under `trackers`."
        ),
        body={
            "anyOf": [_LIST, {"type": "object", "properties": {"trackers": _LIST}, "required": ["trackers"]}]
        },
        body_example=[examples.CREATE],
        answers={
            201: _answer("Every item has its tracker.", "success", _summary(1, 0), [_MADE]),
            207: _answer("Some items failed.", "partial", _summary(1, 1), [_MADE, _FAILED]),
            400: _answer(
                "Every item failed (`processing_error`), or the body is none.",
                "error",
                _summary(0, 1),
                [_FAILED],
                {"code": "processing_error", "message": "No item could be created; each says why."},
            ),
            403: _answer(
                "No room for a single one (`quota_limit_reached`), or over 100 items.",
                "error",
                None,
                None,
                {
                    "code": "bulk_create_limit_exceeded",
                    "message": "At most 100 trackers can be created at once.",
                },
            ),
        },
    ),
}
