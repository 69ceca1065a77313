"""Endpoints, as OpenAPI describes them."""

from accounts.describing import (
    FLAG,
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
from webhooks.models import Endpoint, Signature
from webhooks.schemas.paging import NEXT
from webhooks.serializers import (
    PageQuery,
    RotationSerializer,
    WebhookSerializer,
    WebhookUpdateSerializer,
)

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
    "ordered": told(FLAG, "Whether a parcel's next message waits until the one before it has ended."),
    "maxInFlight": told(WHOLE, "Deliveries under way at once, at most."),
    "rateLimit": told(nullable(WHOLE), "Tries that begin in any second, at most; null: no limit."),
    "signature": words(Signature.values, "`v1` is HMAC-SHA256, `v1a` Ed25519."),
    "publicKey": told(nullable(TEXT), "What a `v1a` endpoint's messages are verified with; null for `v1`."),
    "state": words(Endpoint.State.values),
    "disabledReason": nullable(words(health.Reason, "Why Parcelwire stopped sending.")),
    "failingSince": told(nullable(MOMENT), "The first failure after the last success."),
    "createdAt": MOMENT,
}

SCHEMAS: dict[str, Schema] = {
    "Webhook": record(_ENDPOINT, description="An endpoint: a URL of yours with its filters and health."),
    "WebhookWithSecret": record(
        _ENDPOINT
        | {
            "secret": told(TEXT, "What `v1` messages are signed with. Shown once: keep it. Absent for `v1a`.")
        },
        optional=["secret"],
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
    "publicKey": None,
    "state": "active",
    "disabledReason": None,
    "failingSince": None,
    "createdAt": "2026-03-01T11:09:00.000Z",
}
OPERATIONS: dict[str, Operation] = {
    "POST /v1/webhooks": Operation(
        id="createWebhook",
        tag="Webhooks",
        summary="Register an endpoint",
        description=(
            "The `secret` is in this answer and in no other. With `v1a` there is none: messages are verified "
            "with the `publicKey`."
        ),
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
                schema=enveloped(webhooks=listed(ref("Webhook")), next=NEXT),
                example={"data": {"webhooks": [WEBHOOK_EXAMPLE], "next": None}},
            )
        },
    ),
    "GET /v1/webhooks/{webhookId}": Operation(
        id="getWebhook",
        tag="Webhooks",
        summary="Read an endpoint",
        description="Its settings, without the secret, with its state.",
        answers={
            200: Answer(
                description="The endpoint.",
                schema=enveloped(webhook=ref("Webhook")),
                example={"data": {"webhook": WEBHOOK_EXAMPLE}},
            )
        },
        errors={404: ["webhook_not_found"]},
    ),
    "PATCH /v1/webhooks/{webhookId}": Operation(
        id="updateWebhook",
        tag="Webhooks",
        summary="Change an endpoint",
        description=(
            "What is left out stays as it is; `headers` replaces all of them. Another `signature` rotates "
            "the keys with an overlap of 24 h: the new `secret` is in this answer then, and in no other."
        ),
        body=WebhookUpdateSerializer,
        body_example={"types": ["tracker.*", "tracking.*"], "rateLimit": 20},
        answers={
            200: Answer(
                description="The endpoint as it is now.",
                schema=enveloped(webhook=ref("WebhookWithSecret")),
                example={
                    "data": {
                        "webhook": {
                            **WEBHOOK_EXAMPLE,
                            "types": ["tracker.*", "tracking.*"],
                            "rateLimit": 20,
                        }
                    }
                },
            )
        },
        errors={404: ["webhook_not_found"], 409: ["webhook_conflict", "request_conflict"]},
    ),
    "POST /v1/webhooks/{webhookId}/rotate-secret": Operation(
        id="rotateWebhookSecret",
        tag="Webhooks",
        summary="Replace an endpoint's keys",
        description=(
            "Messages are signed with the new keys at once, and with the replaced ones beside them for "
            "`overlapSeconds`. At most five replaced ones sign at a time. The new `secret` is in this answer "
            "and in no other."
        ),
        body=RotationSerializer,
        body_required=False,
        body_example={"overlapSeconds": 3600},
        answers={
            200: Answer(
                description="The endpoint, with its new secret.",
                schema=enveloped(webhook=ref("WebhookWithSecret")),
                example={"data": {"webhook": {**WEBHOOK_EXAMPLE, "secret": "whsec_…"}}},
            )
        },
        errors={404: ["webhook_not_found"], 409: ["request_conflict"]},
    ),
    "DELETE /v1/webhooks/{webhookId}": Operation(
        id="deleteWebhook",
        tag="Webhooks",
        summary="Delete an endpoint",
        description="Gone at once; what it is owed is cancelled.",
        answers={204: Answer(description="It is deleted.")},
        errors={404: ["webhook_not_found"], 409: ["request_conflict"]},
    ),
}
