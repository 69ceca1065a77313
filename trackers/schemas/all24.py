"""all24's tracking route, served from our own log."""

from typing import Any

from accounts.describing import TEXT, Answer, Operation, Schema, listed, record, ref, told, words

_PLACE = record(dict.fromkeys(("location_name", "service_area", "postcode"), TEXT))
_PARTY = record(dict.fromkeys(("location_name", "addressline1", "service_area", "postcode"), TEXT))
_ALL24_ERRORS = {
    400: "missing_parameter",
    401: "invalid_api_key",
    403: "https_required",
    404: "order_not_found",
    405: "method_not_allowed",
    429: "too_many_requests",
    500: "server_error",
}


def _parameter(name: str, description: str, example: str) -> Schema:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": TEXT,
        "example": example,
    }


PARAMETERS: dict[str, Schema] = {
    "HsOrderRef": _parameter("hs_order_ref", "The tracking number.", "HSBY37H7"),
    "TrackingRef": _parameter("tracking_ref", "The tracker's id, or your `clientTrackerId`.", "order-1002"),
    "CustomerRef": _parameter("customer_ref", "The `shipmentReference`: at most 100 orders.", "shop-7"),
}
SCHEMAS: dict[str, Schema] = {
    "All24Event": record(
        {
            "event_time": told(TEXT, "In the order's offset, without it; empty where it is unknown."),
            "event_name": TEXT,
            "event_code": told(TEXT, "all24's own, else the nearest."),
            "location_ref": TEXT,
            "location": _PLACE,
        }
    ),
    "All24Order": record(
        {
            "origin_order_date": TEXT,
            "order_ref_id": TEXT,
            "hs_order_ref": TEXT,
            "expected_completion": TEXT,
            "sender_location": _PARTY,
            "recipient_location": _PARTY,
            "history": told(listed(ref("All24Event")), "Newest first."),
        },
        description="One order. Unknown text is empty.",
    ),
    "All24Orders": {
        "type": "object",
        "properties": {
            "response_code": {"type": "integer", "const": 200},
            "error_codes": listed(TEXT, maxItems=0),
        },
        "required": ["response_code", "error_codes"],
        "additionalProperties": ref("All24Order"),
        "description": "Orders, keyed by their `hs_order_ref`, and two keys beside them.",
    },
    "All24Error": record(
        {
            "response_code": {"type": "integer"},
            "error_codes": listed(words(_ALL24_ERRORS.values()), minItems=1),
        },
        description="An error, as all24 writes it.",
    ),
}

_NOWHERE = {"location_name": "", "addressline1": "", "service_area": "", "postcode": ""}
_ORDERS: dict[str, Any] = {
    "HSBY37H7": {
        "origin_order_date": "2026-03-01T09:00:00+07:00",
        "order_ref_id": "order-1002",
        "hs_order_ref": "HSBY37H7",
        "expected_completion": "2026-03-02T18:00:00+07:00",
        "sender_location": _NOWHERE,
        "recipient_location": _NOWHERE,
        "history": [
            {
                "event_time": "2026-03-02 12:02:00",
                "event_name": "Delivery complete",
                "event_code": "500000",
                "location_ref": "",
                "location": {"location_name": "", "service_area": "Bangkok", "postcode": "10110"},
            }
        ],
    },
    "response_code": 200,
    "error_codes": [],
}


def _refused(status: int, description: str) -> Answer:
    example = {"response_code": status, "error_codes": [_ALL24_ERRORS[status]]}
    headers = ("Retry-After",) if status == 429 else ()
    return Answer(description=description, schema=ref("All24Error"), example=example, headers=headers)


OPERATIONS: dict[str, Operation] = {
    "GET /v1/tracking/orders": Operation(
        id="getAll24Orders",
        tag="Dialects",
        summary="all24's order tracking",
        description=(
            "all24's own route, header, shapes and statuses, from your trackers. Several parameters are AND; "
            "at least one is needed."
        ),
        native=False,
        security=("hsApiKey",),
        parameters=("HsOrderRef", "TrackingRef", "CustomerRef"),
        answers={
            200: Answer(description="The orders found.", schema=ref("All24Orders"), example=_ORDERS),
            400: _refused(400, "No parameter."),
            401: _refused(401, "No key, an unknown one, or one without the scope `all24`."),
            403: _refused(403, "Called over plain HTTP."),
            404: _refused(404, "Nothing of yours fits."),
            429: _refused(429, "Too many requests."),
            500: _refused(500, "A fault of ours."),
        },
    ),
}
