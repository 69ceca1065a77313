"""Recoveries, as OpenAPI describes them."""

from accounts.describing import (
    MOMENT,
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
from webhooks.models import Recovery
from webhooks.recovering import RECOVERABLE
from webhooks.serializers import RecoverySerializer

SCHEMAS: dict[str, Schema] = {
    "Recovery": record(
        {
            "recoveryId": UUID,
            "webhookId": UUID,
            "since": told(MOMENT, "The creation of deliveries: inclusive."),
            "until": told(MOMENT, "The same: exclusive."),
            "states": listed(words(RECOVERABLE)),
            "state": words(Recovery.State.values),
            "examined": told(WHOLE, "Deliveries looked at so far."),
            "recovered": told(WHOLE, "Those of them that became due because of it."),
            "recoveredUntil": told(nullable(MOMENT), "The creation of the last one looked at."),
            "createdAt": MOMENT,
            "finishedAt": nullable(MOMENT),
        },
        description="An endpoint's deliveries of some time, sent again.",
    )
}

_RECOVERY = {
    "recoveryId": "0195f0c2-9e35-7a44-9f5e-6d7c8b9a0f1e",
    "webhookId": "0195f0c2-8c13-7e22-9d3c-3b4a5f6e7d8c",
    "since": "2026-03-01T00:00:00.000Z",
    "until": "2026-03-02T06:00:00.000Z",
    "states": ["exhausted", "pending"],
    "state": "running",
    "examined": 0,
    "recovered": 0,
    "recoveredUntil": None,
    "createdAt": "2026-03-02T06:00:00.000Z",
    "finishedAt": None,
}
_PROGRESS = {"examined": 3000, "recovered": 412, "recoveredUntil": "2026-03-01T19:24:05.100Z"}
_FINISHED = {"finishedAt": "2026-03-02T06:00:04.200Z"}


def _answer(description: str, **more: object) -> Answer:
    return Answer(
        description=description,
        schema=enveloped(recovery=ref("Recovery")),
        example={"data": {"recovery": {**_RECOVERY, **more}}},
    )


OPERATIONS: dict[str, Operation] = {
    "POST /v1/webhooks/{webhookId}/recover": Operation(
        id="recoverWebhook",
        tag="Webhooks",
        summary="Send an endpoint's deliveries of some time again",
        description=(
            "Workers go through what the endpoint was owed, the oldest first, and make due what is in one of "
            "the states. There is no limit to how many. While the endpoint is not active, it waits."
        ),
        body=RecoverySerializer,
        body_example={"since": "2026-03-01T00:00:00Z", "states": ["exhausted", "pending"]},
        answers={202: _answer("The recovery: read it again to see how far it is.")},
        errors={404: ["webhook_not_found"], 409: ["recovery_conflict", "request_conflict"]},
    ),
    "GET /v1/recoveries/{recoveryId}": Operation(
        id="getRecovery",
        tag="Webhooks",
        summary="Read a recovery",
        description="How far it is.",
        answers={200: _answer("The recovery.", **_PROGRESS)},
        errors={404: ["recovery_not_found"]},
    ),
    "POST /v1/recoveries/{recoveryId}/cancel": Operation(
        id="cancelRecovery",
        tag="Webhooks",
        summary="Cancel a recovery",
        description="It goes no further; what is due by now is sent. One that has ended stays as it ended.",
        answers={200: _answer("The recovery.", state="cancelled", **_PROGRESS, **_FINISHED)},
        errors={404: ["recovery_not_found"], 409: ["request_conflict"]},
    ),
}
