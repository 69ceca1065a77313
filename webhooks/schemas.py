"""Endpoints, deliveries and what messages have in common, as OpenAPI describes them."""

from accounts.describing import (
    MOMENT,
    STRINGS,
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
from webhooks import health
from webhooks.exchanges import Failure
from webhooks.models import Delivery, Endpoint, Trigger
from webhooks.serializers import DeliveriesQuery, PageQuery, WebhookSerializer

TAG = {"name": "Webhooks", "description": "Where Parcelwire tells you what is new, and every try of it."}
ERRORS: dict[str, str] = {
    "webhook_conflict": "url: it is registered already with the same types and couriers.",
    "webhook_not_found": "Webhook not found.",
    "delivery_not_found": "Delivery not found.",
}
PARAMETERS: dict[str, Schema] = {
    "webhookId": {
        "name": "webhookId",
        "in": "path",
        "required": True,
        "description": "The endpoint's id.",
        "schema": UUID,
    },
    "deliveryId": {
        "name": "deliveryId",
        "in": "path",
        "required": True,
        "description": "The delivery's id.",
        "schema": UUID,
    },
}

_ENDPOINT: dict[str, Schema] = {
    "webhookId": UUID,
    "url": TEXT,
    "types": told(STRINGS, "Message types, `*`, or a beginning that ends in `.*`."),
    "couriers": told(STRINGS, "Courier codes; none: all."),
    "description": TEXT,
    "headers": told(
        {"type": ["object", "null"], "additionalProperties": {"type": "null"}},
        "The names of its own request headers; values are never shown. Null where they cannot be read.",
    ),
    "retrySchedule": told(listed(WHOLE), "Seconds to wait after each failed try."),
    "ordered": {"type": "boolean", "const": False},
    "maxInFlight": told(WHOLE, "Deliveries under way at once, at most."),
    "rateLimit": {"type": "null"},
    "signature": {"type": "string", "const": "v1"},
    "state": words(Endpoint.State.values),
    "disabledReason": nullable(words(health.Reason, "Why Parcelwire stopped sending.")),
    "failingSince": told(nullable(MOMENT), "The first failure after the last success."),
    "createdAt": MOMENT,
}
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
_NEXT = told(nullable(TEXT), "Send it as `after` to read on; null at the end.")

SCHEMAS: dict[str, Schema] = {
    "Webhook": record(_ENDPOINT, description="An endpoint: a URL of yours with its filters and health."),
    "WebhookWithSecret": record(
        _ENDPOINT | {"secret": told(TEXT, "What messages are signed with. Shown once: keep it.")}
    ),
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

WEBHOOK_EXAMPLE = {
    "webhookId": "0195f0c2-8c13-7e22-9d3c-3b4a5f6e7d8c",
    "url": "https://shop.example/parcels",
    "types": ["tracking.*"],
    "couriers": [],
    "description": "",
    "headers": {"Authorization": None},
    "retrySchedule": [5, 60, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400],
    "ordered": False,
    "maxInFlight": 10,
    "rateLimit": None,
    "signature": "v1",
    "state": "active",
    "disabledReason": None,
    "failingSince": None,
    "createdAt": "2026-03-01T11:09:00.000Z",
}
_DELIVERY_EXAMPLE = {
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
    "POST /v1/webhooks": Operation(
        id="createWebhook",
        tag="Webhooks",
        summary="Register an endpoint",
        description="The `secret` is in this answer and in no other.",
        body=WebhookSerializer,
        body_example={
            "url": "https://shop.example/parcels",
            "types": ["tracking.*"],
            "headers": {"Authorization": "Bearer my-secret"},
        },
        answers={
            201: Answer(
                description="The endpoint, with its secret.",
                schema=enveloped(webhook=ref("WebhookWithSecret")),
                example={"data": {"webhook": {**WEBHOOK_EXAMPLE, "secret": "whsec_…"}}},
            )
        },
        errors={409: ["webhook_conflict"]},
    ),
    "GET /v1/webhooks": Operation(
        id="listWebhooks",
        tag="Webhooks",
        summary="List endpoints",
        description="Newest first.",
        query=PageQuery,
        answers={
            200: Answer(
                description="A page of endpoints.",
                schema=enveloped(webhooks=listed(ref("Webhook")), next=_NEXT),
                example={"data": {"webhooks": [WEBHOOK_EXAMPLE], "next": None}},
            )
        },
    ),
    "GET /v1/webhooks/{webhookId}": Operation(
        id="getWebhook",
        tag="Webhooks",
        summary="Read an endpoint",
        description="As registered, without the secret, with its state.",
        answers={
            200: Answer(
                description="The endpoint.",
                schema=enveloped(webhook=ref("Webhook")),
                example={"data": {"webhook": WEBHOOK_EXAMPLE}},
            )
        },
        errors={404: ["webhook_not_found"]},
    ),
    "DELETE /v1/webhooks/{webhookId}": Operation(
        id="deleteWebhook",
        tag="Webhooks",
        summary="Delete an endpoint",
        description="Gone at once; what it is owed is cancelled.",
        answers={204: Answer(description="It is deleted.")},
        errors={404: ["webhook_not_found"], 409: ["request_conflict"]},
    ),
    "GET /v1/webhooks/{webhookId}/deliveries": Operation(
        id="listDeliveries",
        tag="Webhooks",
        summary="List an endpoint's deliveries",
        description="What it was and is owed, newest first. `since` is inclusive, `until` is not.",
        query=DeliveriesQuery,
        answers={
            200: Answer(
                description="A page of deliveries.",
                schema=enveloped(deliveries=listed(ref("Delivery")), next=_NEXT),
                example={"data": {"deliveries": [_DELIVERY_EXAMPLE], "next": None}},
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
                            **_DELIVERY_EXAMPLE,
                            "body": '{"type":"tracking.delivered"}',
                            "attempts": [_ATTEMPT_EXAMPLE],
                        }
                    }
                },
            )
        },
        errors={404: ["delivery_not_found"]},
    ),
}
