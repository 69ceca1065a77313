"""Deliveries and their tries, as OpenAPI describes them."""

from accounts.describing import (
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
from webhooks.exchanges import Failure
from webhooks.models import Delivery, Trigger
from webhooks.schemas.paging import NEXT
from webhooks.serializers import DeliveriesQuery

_DELIVERY: dict[str, Schema] = {
    "deliveryId": UUID,
    "messageId": told(UUID, "The `webhook-id`."),
    "type": TEXT,
    "trackerId": told(nullable(UUID), "Null for messages that are not about a parcel."),
    "sequence": WHOLE,
    "state": words(Delivery.State.values),
    "attemptCount": WHOLE,
    "nextAttemptAt": nullable(MOMENT),
    "createdAt": MOMENT,
    "deliveredAt": nullable(MOMENT),
}

SCHEMAS: dict[str, Schema] = {
    "Delivery": record(_DELIVERY, description="One message owed to one endpoint."),
    "DeliveryWithAttempts": record(
        _DELIVERY
        | {"body": told(TEXT, "What every try sent, byte for byte."), "attempts": listed(ref("Attempt"))}
    ),
    "Attempt": record(
        {
            "number": WHOLE,
            "trigger": words(Trigger.values),
            "startedAt": MOMENT,
            "durationMs": told(nullable(WHOLE), "Null where the sender died in it."),
            "statusCode": nullable(WHOLE),
            "error": nullable(words(Failure)),
            "responseBody": told(TEXT, "The first 4 KiB of the answer."),
            "responseHeaders": {"type": "object", "additionalProperties": TEXT},
            "address": told(nullable(TEXT), "The address connected to."),
        },
        description="One try of a delivery.",
    ),
}

DELIVERY_EXAMPLE = {
    "deliveryId": "0195f0c2-9d24-7f33-8e4d-4c5b6a7f8e9d",
    "messageId": "0195f0c2-9d23-7a12-9f5e-5d6c7b8a9f0e",
    "type": "tracking.delivered",
    "trackerId": "0195f0c2-7a51-7cc0-8b1a-1f2e3d4c5b6a",
    "sequence": 7,
    "state": "delivered",
    "attemptCount": 1,
    "nextAttemptAt": None,
    "createdAt": "2026-03-02T05:03:00.000Z",
    "deliveredAt": "2026-03-02T05:03:00.020Z",
}
_ATTEMPT_EXAMPLE = {
    "number": 1,
    "trigger": "schedule",
    "startedAt": "2026-03-02T05:03:00.010Z",
    "durationMs": 8,
    "statusCode": 204,
    "error": None,
    "responseBody": "",
    "responseHeaders": {"server": "shop"},
    "address": "198.51.100.7",
}

OPERATIONS: dict[str, Operation] = {
    "GET /v1/webhooks/{webhookId}/deliveries": Operation(
        id="listDeliveries",
        tag="Webhooks",
        summary="List an endpoint's deliveries",
        description="What it was and is owed, newest first. `since` is inclusive, `until` is not.",
        query=DeliveriesQuery,
        answers={
            200: Answer(
                description="A page of deliveries.",
                schema=enveloped(deliveries=listed(ref("Delivery")), next=NEXT),
                example={"data": {"deliveries": [DELIVERY_EXAMPLE], "next": None}},
            )
        },
        errors={404: ["webhook_not_found"]},
    ),
    "GET /v1/deliveries/{deliveryId}": Operation(
        id="getDelivery",
        tag="Webhooks",
        summary="Read a delivery",
        description="With the body that every try sent, and each try.",
        answers={
            200: Answer(
                description="The delivery and its attempts.",
                schema=enveloped(delivery=ref("DeliveryWithAttempts")),
                example={
                    "data": {
                        "delivery": {
                            **DELIVERY_EXAMPLE,
                            "body": '{"type":"tracking.delivered"}',
                            "attempts": [_ATTEMPT_EXAMPLE],
                        }
                    }
                },
            )
        },
        errors={404: ["delivery_not_found"]},
    ),
    "POST /v1/deliveries/{deliveryId}/resend": Operation(
        id="resendDelivery",
        tag="Webhooks",
        summary="Send a delivery again",
        description=(
            "One try besides the schedule, with the same id and bytes, whatever the delivery's and the "
            "endpoint's state. If it fails, nothing changes; the endpoint's health is not concerned."
        ),
        answers={
            202: Answer(
                description="The delivery as it is before the try.",
                schema=enveloped(delivery=ref("Delivery")),
                example={"data": {"delivery": DELIVERY_EXAMPLE}},
            )
        },
        errors={404: ["delivery_not_found"], 409: ["request_conflict"], 410: ["delivery_gone"]},
    ),
}
