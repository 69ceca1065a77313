"""What webhooks did with a tracker's news."""

from typing import Any

from accounts.describing import (
    MOMENT,
    TEXT,
    UUID,
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
from trackers.schemas import examples

SCHEMAS: dict[str, Schema] = {
    "Push": record(
        {
            "status": words(["success", "failed"]),
            "pushTimestamp": MOMENT,
            "requestBody": told({"type": "object"}, "The message that was sent."),
            "responseBody": nullable(TEXT),
            "responseHeaders": {"type": "object", "additionalProperties": TEXT},
            "responseStatusCode": nullable({"type": "string", "pattern": r"^\d{3}$"}),
            "webhookUrl": told(TEXT, "Where it went."),
        },
        description="One try of one message.",
    ),
    "PushHistory": record(
        {
            "metadata": record(
                {
                    "trackingNumber": TEXT,
                    "trackerId": UUID,
                    "clientTrackerId": nullable(TEXT),
                    "webhookUrl": nullable(TEXT),
                    "lastSuccessfulPushAt": nullable(MOMENT),
                    "lastFailedPushAt": nullable(MOMENT),
                }
            ),
            "webhooks": listed(ref("Push"), maxItems=1000),
        },
        description="What was pushed about a parcel, newest first.",
    ),
}

_HISTORY: dict[str, Any] = {
    "metadata": {
        "trackingNumber": "HSBY37H7",
        "trackerId": examples.TRACKER["trackerId"],
        "clientTrackerId": "order-1002",
        "webhookUrl": "https://shop.example/parcels",
        "lastSuccessfulPushAt": "2026-03-02T05:03:00.010Z",
        "lastFailedPushAt": None,
    },
    "webhooks": [
        {
            "status": "success",
            "pushTimestamp": "2026-03-02T05:03:00.010Z",
            "requestBody": {"type": "tracking.delivered"},
            "responseBody": "",
            "responseHeaders": {"server": "shop"},
            "responseStatusCode": "204",
            "webhookUrl": "https://shop.example/parcels",
        }
    ],
}

OPERATIONS: dict[str, Operation] = {
    "POST /v1/trackers/{trackerId}/webhook-events/resend": Operation(
        id="resendWebhookEvents",
        tag="Webhooks",
        summary="Send a tracker's messages again",
        description="Every stored message of the tracker goes again to the active endpoints that want it.",
        parameters=("SearchBy",),
        answers={
            201: Answer(
                description="How many are owed again; a string, as in Ship24's schema.",
                schema=enveloped(summary=record({"totalResent": {"type": "string", "pattern": r"^\d+$"}})),
                example={"data": {"summary": {"totalResent": "8"}}},
            )
        },
        errors={400: ["webhook_url_missing"], 404: ["tracker_not_found"]},
    ),
    "GET /v1/trackers/{trackerId}/webhook-history/download": Operation(
        id="downloadWebhookHistory",
        tag="Webhooks",
        summary="Download what was pushed about a parcel",
        description="A JSON file of the newest 1,000 pushes; what was not tried yet is left out.",
        parameters=("SearchBy",),
        answers={
            200: Answer(
                description="The file.",
                schema=ref("PushHistory"),
                example=_HISTORY,
                headers=("Content-Disposition",),
            )
        },
        errors={404: ["tracker_not_found"]},
    ),
}
