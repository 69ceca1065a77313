"""247Express's tracking route, served from our own log."""

from typing import Any

from accounts.describing import TEXT, Answer, Operation, Schema, listed, nullable, record, ref, told, words

#: As carriers sent it: 247Express itself is not sure of its types.
_AS_SENT: Schema = {"type": ["string", "number", "null"]}
_ERRORS = (
    "MISSING_APIKEY",
    "APIKEY_NOT_FOUND",
    "APIKEY_LIMIT",
    "MISSING_ORDERCODE",
    "ORDERCODE_MIN_LENGTH",
    "ORDERCODE_MAX_LENGTH",
    "ORDERCODE_FORMAT_EXCEPTION",
    "ORDERCODE_NOT_FOUND",
    "EXCEPTION",
)
_TEXTS = ("orderCode", "status", "statusName", "deliveryDate", "receiverName", "confirmImage", "acceptDate")
_SENT = (
    "delayCode", "delayNote", "deliveryNotes", "mailerTypeID", "length", "width", "height", "realWeight",
    "calWeight", "weight", "quantity", "price", "priceFR", "farRegionFeeAmount", "fuelFeeAmount",
    "vatAmount", "totalServiceCost",
)  # fmt: skip
_PLACES = ("postOfficeID", "postOfficeName", "provinceID", "provinceName", "notes")

_STATUS = record({"time": nullable(TEXT), "status": TEXT, "statusName": TEXT, "trackingName": TEXT})
_TRACKING = record(
    {"statusID": TEXT, "statusName": TEXT, "dateChange": nullable(TEXT)} | dict.fromkeys(_PLACES, _AS_SENT)
)
_PRICE = record(dict.fromkeys(("serviceName", "serviceID", "cost"), _AS_SENT))

PARAMETERS: dict[str, Schema] = {
    "OrderCode": {
        "name": "ordercode",
        "in": "query",
        "required": False,
        "description": "The tracking number: 5 to 20 of letters, digits, `_`, `-`. The name in any case.",
        "schema": TEXT,
        "example": "12345",
    }
}
SCHEMAS: dict[str, Schema] = {
    "Express247Order": record(
        {
            "errorMessage": nullable(TEXT),
            "errorCode": nullable(words(_ERRORS, "Null where the order was found.")),
            **dict.fromkeys(_TEXTS, nullable(TEXT)),
            **dict.fromkeys(_SENT, _AS_SENT),
            "priceInfo": nullable(listed(_PRICE)),
            "statuses": told(nullable(listed(_STATUS)), "Newest first."),
            "trackings": told(nullable(listed(_TRACKING)), "Newest first."),
            "estimateRoutes": {"description": "The estimate, or what the carrier sent."},
        },
        description="One order, or an error with every other field null. What is not known is null.",
    ),
    "Express247Refusal": record({"errorCode": words(["EXCEPTION"]), "errorMessage": TEXT}),
}

_NOTHING: dict[str, Any] = dict.fromkeys(SCHEMAS["Express247Order"]["properties"])
_FOUND: dict[str, Any] = _NOTHING | {
    "orderCode": "12345",
    "status": "DELIVERED",
    "statusName": "Delivered",
    "deliveryDate": "2026-03-02T12:02:00",
    "statuses": [
        {
            "time": "2026-03-02T12:02:00",
            "status": "DELIVERED",
            "statusName": "Delivered",
            "trackingName": "Delivered",
        }
    ],
    "trackings": [],
}


def _refused(code: str, message: str, description: str, *headers: str) -> Answer:
    example = _NOTHING | {"errorCode": code, "errorMessage": message}
    return Answer(description=description, schema=ref("Express247Order"), example=example, headers=headers)


_FAILED = "The call failed, try again later."
OPERATIONS: dict[str, Operation] = {
    "GET /api/Order/v1/Tracking": Operation(
        id="get247ExpressOrder",
        tag="Dialects",
        summary="247Express's order tracking",
        description=(
            "247Express's own route, parameters, fields and error codes, from your trackers. Its errors come "
            "with status 200 and an `errorCode`. The key never reaches a log line."
        ),
        native=False,
        security=("apikey",),
        parameters=("OrderCode",),
        answers={
            200: Answer(
                description="The order, or an error with its `errorCode`.",
                schema=ref("Express247Order"),
                example=_FOUND,
            ),
            400: _refused("EXCEPTION", _FAILED, "The request cannot be read."),
            403: Answer(
                description="Called over plain HTTP.",
                schema=ref("Express247Refusal"),
                example={"errorCode": "EXCEPTION", "errorMessage": "https_required: Call over HTTPS."},
            ),
            429: _refused("EXCEPTION", _FAILED, "Too many requests.", "Retry-After"),
            500: _refused("EXCEPTION", _FAILED, "A fault of ours."),
        },
    ),
}
