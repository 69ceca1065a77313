"""An endpoint's life, as OpenAPI describes it."""

from accounts.describing import UUID, Answer, Operation, Schema, enveloped, nullable, record, ref, told
from webhooks.schemas.deliveries import DELIVERY_EXAMPLE
from webhooks.schemas.endpoints import WEBHOOK_EXAMPLE

SCHEMAS: dict[str, Schema] = {
    "TestData": record({"webhookId": told(UUID, "The endpoint that is tested.")}),
}

_TEST_EXAMPLE = {
    **DELIVERY_EXAMPLE,
    "type": "test",
    "trackerId": None,
    "sequence": 0,
    "state": "held",
    "attemptCount": 0,
    "deliveredAt": None,
}
_PAUSED = {**WEBHOOK_EXAMPLE, "state": "paused"}
_ENABLING = enveloped(
    webhook=ref("Webhook"),
    delivery=told(nullable(ref("Delivery")), "The test that decides; null: it is active already."),
)

OPERATIONS: dict[str, Operation] = {
    "POST /v1/webhooks/{webhookId}/test": Operation(
        id="testWebhook",
        tag="Webhooks",
        summary="Send a test",
        description=(
            "One signed message of the type `test`, whatever the endpoint's state and filters. Its delivery "
            "tells what came of it; the endpoint stays as it is."
        ),
        answers={
            202: Answer(
                description="The test's delivery: `delivered` or `exhausted` in a moment.",
                schema=enveloped(delivery=ref("Delivery")),
                example={"data": {"delivery": _TEST_EXAMPLE}},
            )
        },
        errors={404: ["webhook_not_found"], 409: ["webhook_unreadable", "request_conflict"]},
    ),
    "POST /v1/webhooks/{webhookId}/pause": Operation(
        id="pauseWebhook",
        tag="Webhooks",
        summary="Pause an endpoint",
        description="What it is owed is held from now on. One that is disabled stays so.",
        answers={
            200: Answer(
                description="The endpoint.",
                schema=enveloped(webhook=ref("Webhook")),
                example={"data": {"webhook": _PAUSED}},
            )
        },
        errors={404: ["webhook_not_found"], 409: ["request_conflict"]},
    ),
    "POST /v1/webhooks/{webhookId}/enable": Operation(
        id="enableWebhook",
        tag="Webhooks",
        summary="Enable an endpoint",
        description=(
            "Sends a signed test. When it arrives, the endpoint is active, and what was held is sent, the "
            "oldest first; when it does not, the endpoint stays as it is."
        ),
        answers={
            200: Answer(
                description="It is active already.",
                schema=_ENABLING,
                example={"data": {"webhook": WEBHOOK_EXAMPLE, "delivery": None}},
            ),
            202: Answer(
                description="The test is on its way; asked again meanwhile, the answer is the same.",
                schema=_ENABLING,
                example={"data": {"webhook": _PAUSED, "delivery": _TEST_EXAMPLE}},
            ),
        },
        errors={404: ["webhook_not_found"], 409: ["webhook_unreadable", "request_conflict"]},
    ),
}
