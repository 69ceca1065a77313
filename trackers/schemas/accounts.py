"""Carrier accounts: keys that go in and never come out."""

from typing import Any

from accounts.describing import (
    MOMENT,
    NUMBER,
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
from carriers.models import CarrierAccount, Health
from trackers.carrier_accounts.serializers import AccountBody, KeyBody
from trackers.schemas.couriers import CONDITION
from webhooks.serializers import PageQuery

TAG = {"name": "Carrier accounts", "description": "Your keys at carriers. They go in and never come out."}
PARAMETERS: dict[str, Schema] = {
    "carrierAccountId": {
        "name": "carrierAccountId",
        "in": "path",
        "required": True,
        "description": "The account's id.",
        "schema": UUID,
    }
}
SCHEMAS: dict[str, Schema] = {
    "CarrierAccount": record(
        {
            "carrierAccountId": UUID,
            "courierCode": TEXT,
            "baseUrl": told(nullable(TEXT), "Null: the carrier's own."),
            "timeZone": told(nullable(TEXT), "Null: the carrier's own."),
            "pushUrl": told(nullable(TEXT), "Where this carrier calls us, where it does."),
            "state": words(CarrierAccount.State.values),
            "suspendedReason": nullable(TEXT),
            "restingUntil": told(nullable(MOMENT), "The day's look-ups are used up until then."),
            "dailyQuota": told(
                nullable(WHOLE), "Calls a day at most, as you set it; null: the carrier's own."
            ),
            "quotaLeft": told(
                nullable(WHOLE),
                "Calls that are left today at its home, of the account or its key; null: not counted.",
            ),
            "pace": told(nullable(NUMBER), "Calls a second at most, as you set it; null: the carrier's own."),
            "health": ref("CarrierAccountHealth"),
            "createdAt": MOMENT,
            "changedAt": MOMENT,
        },
        description="A key of yours at a carrier; never the key itself.",
    ),
    "CarrierAccountHealth": record(
        {
            **CONDITION,
            "circuit": words(Health.Circuit.values, "Whether calls go out; `half_open`: one at a time."),
            "callsPerSecond": told(nullable(NUMBER), "At most, at present; null: unbounded."),
            "lastAnswerAt": told(nullable(MOMENT), "By ten seconds or so."),
            "lastFailureAt": nullable(MOMENT),
            "lastFailure": told(nullable(TEXT), "Why the carrier could not be reached then."),
        },
        description="How calls with the account go.",
    ),
    "CarrierAccountTest": record(
        {
            "outcome": told(ref("PollOutcome"), "`ok`: the carrier accepts the key."),
            "error": nullable(TEXT),
        }
    ),
}

_EXAMPLE: dict[str, Any] = {
    "carrierAccountId": "0195f0c2-6940-7bbf-8a09-0e1d2c3b4a59",
    "courierCode": "all24",
    "baseUrl": None,
    "timeZone": None,
    "pushUrl": None,
    "state": "active",
    "suspendedReason": None,
    "restingUntil": None,
    "dailyQuota": None,
    "quotaLeft": None,
    "pace": None,
    "health": {
        "status": "operational",
        "reason": None,
        "until": None,
        "circuit": "closed",
        "callsPerSecond": None,
        "lastAnswerAt": "2026-03-01T11:08:50.000Z",
        "lastFailureAt": None,
        "lastFailure": None,
    },
    "createdAt": "2026-03-01T11:00:00.000Z",
    "changedAt": "2026-03-01T11:00:00.000Z",
}


def _account(description: str) -> Answer:
    return Answer(
        description=description,
        schema=enveloped(carrierAccount=ref("CarrierAccount")),
        example={"data": {"carrierAccount": _EXAMPLE}},
    )


_UNKNOWN = {404: ["carrier_account_not_found"]}
_ONE = "/v1/carrier-accounts/{carrierAccountId}"

OPERATIONS: dict[str, Operation] = {
    "GET /v1/carrier-accounts": Operation(
        id="listCarrierAccounts",
        tag="Carrier accounts",
        summary="List carrier accounts",
        description="Newest first.",
        query=PageQuery,
        answers={
            200: Answer(
                description="A page of accounts.",
                schema=enveloped(
                    carrierAccounts=listed(ref("CarrierAccount")),
                    next=told(nullable(TEXT), "Send it as `after` to read on; null at the end."),
                ),
                example={"data": {"carrierAccounts": [_EXAMPLE], "next": None}},
            )
        },
    ),
    "POST /v1/carrier-accounts": Operation(
        id="createCarrierAccount",
        tag="Carrier accounts",
        summary="Take a carrier's key into use",
        description="Parcels that wait for an account at this carrier are asked about at once.",
        body=AccountBody,
        body_example={"courierCode": "all24", "key": "your-key", "dailyQuota": 20000},
        answers={201: _account("The account, without its key.")},
        errors={403: ["quota_limit_reached"]},
    ),
    f"GET {_ONE}": Operation(
        id="getCarrierAccount",
        tag="Carrier accounts",
        summary="Read a carrier account",
        description="Its state, and why it is suspended if it is.",
        answers={200: _account("The account.")},
        errors=_UNKNOWN,
    ),
    f"DELETE {_ONE}": Operation(
        id="deleteCarrierAccount",
        tag="Carrier accounts",
        summary="Delete a carrier account",
        description="Gone at once; its parcels move to another account, or wait for one.",
        answers={204: Answer(description="It is deleted.")},
        errors=_UNKNOWN | {409: ["request_conflict"]},
    ),
    f"PUT {_ONE}/key": Operation(
        id="replaceCarrierAccountKey",
        tag="Carrier accounts",
        summary="Replace the key",
        description="A paused or suspended account is taken up again.",
        body=KeyBody,
        body_example={"key": "your-new-key"},
        answers={200: _account("The account.")},
        errors=_UNKNOWN,
    ),
    f"POST {_ONE}/pause": Operation(
        id="pauseCarrierAccount",
        tag="Carrier accounts",
        summary="Pause a carrier account",
        description="Nothing more is sent with it until it is resumed.",
        answers={200: _account("The account.")},
        errors=_UNKNOWN,
    ),
    f"POST {_ONE}/resume": Operation(
        id="resumeCarrierAccount",
        tag="Carrier accounts",
        summary="Resume a carrier account",
        description="Paused or suspended, it is asked with again, with the key that it has.",
        answers={200: _account("The account.")},
        errors=_UNKNOWN,
    ),
    f"POST {_ONE}/test": Operation(
        id="testCarrierAccount",
        tag="Carrier accounts",
        summary="Try a carrier account",
        description="Asks the carrier one harmless question, and waits for the answer.",
        answers={
            200: Answer(
                description="How it ended, and the account as it is now.",
                schema=enveloped(test=ref("CarrierAccountTest"), carrierAccount=ref("CarrierAccount")),
                example={"data": {"test": {"outcome": "ok", "error": None}, "carrierAccount": _EXAMPLE}},
            )
        },
        errors=_UNKNOWN,
    ),
}
