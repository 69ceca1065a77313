"""How an endpoint fares, as OpenAPI describes it."""

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
from webhooks.exchanges import Failure
from webhooks.stats import COUNTED, WINDOWS

_COUNT = f"Counted to {COUNTED:,}."

SCHEMAS: dict[str, Schema] = {
    "StatsWindow": record(
        {
            "window": words(WINDOWS),
            "since": told(MOMENT, "A full five minutes: the window begins there."),
            "attempts": WHOLE,
            "succeeded": WHOLE,
            "failed": WHOLE,
            "errors": {
                "type": "object",
                "description": "How often tries failed in which way.",
                "propertyNames": words(Failure),
                "additionalProperties": WHOLE,
            },
            "averageMs": told(nullable(WHOLE), "Null where no try has come to its end."),
            "slowestMs": nullable(WHOLE),
        },
        description="The tries that ended since a moment, whatever made them happen.",
    ),
    "Stats": record(
        {
            "webhookId": UUID,
            "windows": listed(ref("StatsWindow")),
            "pending": told(WHOLE, _COUNT),
            "held": told(WHOLE, _COUNT),
            "oldestDueAt": told(
                nullable(MOMENT), "Since when the longest-due delivery has been waiting; null: none is due."
            ),
        },
        description="How an endpoint fares.",
    ),
}

_HOUR = {
    "window": "1h",
    "since": "2026-03-02T05:00:00.000Z",
    "attempts": 412,
    "succeeded": 410,
    "failed": 2,
    "errors": {"http_status": 1, "timeout": 1},
    "averageMs": 48,
    "slowestMs": 15001,
}

OPERATIONS: dict[str, Operation] = {
    "GET /v1/webhooks/{webhookId}/stats": Operation(
        id="getWebhookStats",
        tag="Webhooks",
        summary="Read how an endpoint fares",
        description="Its tries of the last hour, day and week, and what it is owed.",
        answers={
            200: Answer(
                description="The figures.",
                schema=enveloped(stats=ref("Stats")),
                example={
                    "data": {
                        "stats": {
                            "webhookId": "0195f0c2-8c13-7e22-9d3c-3b4a5f6e7d8c",
                            "windows": [
                                _HOUR,
                                {**_HOUR, "window": "24h", "since": "2026-03-01T06:00:00.000Z"},
                                {**_HOUR, "window": "7d", "since": "2026-02-23T06:00:00.000Z"},
                            ],
                            "pending": 3,
                            "held": 0,
                            "oldestDueAt": None,
                        }
                    }
                },
            )
        },
        errors={404: ["webhook_not_found"]},
    ),
}
