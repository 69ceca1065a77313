"""Which couriers there are, and what they say at once."""

from typing import Any

from accounts.describing import (
    FLAG,
    MOMENT,
    TEXT,
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
from carriers.adapter import Confidence
from carriers.conditions import Status
from trackers.schemas import examples
from trackers.schemas.shapes import QUARANTINED
from trackers.serializers import DetectQuery, SearchSerializer

#: How an account or a courier is.
CONDITION: dict[str, Schema] = {
    "status": words(Status, "The better comes first."),
    "reason": told(nullable(TEXT), "Why, in a sentence; null while it is operational."),
    "until": told(nullable(MOMENT), "Until when, where that is known."),
}
SCHEMAS: dict[str, Schema] = {
    "CourierHealth": record(CONDITION, description="How a courier is for you, by the account that asks it."),
    "Courier": record(
        {
            "courierCode": TEXT,
            "courierName": TEXT,
            "website": nullable(TEXT),
            "isPost": FLAG,
            "countryCode": nullable(TEXT),
            "requiredFields": {"type": "null"},
            "isDeprecated": FLAG,
            "requiresAccount": told(FLAG, "Whether it is asked with a carrier account only."),
            "health": ref("CourierHealth"),
        },
        description="Who moves parcels.",
    ),
    "Candidate": record(
        {
            "courierCode": TEXT,
            "courierName": TEXT,
            "confidence": words(Confidence, "The surest first."),
            "reason": told(TEXT, "Why, in a sentence."),
            "isReachable": told(FLAG, "Whether an account of yours or of the house can ask it."),
        },
        description="A courier that a number may belong to.",
    ),
    "CallTracking": record(
        {
            "shipment": ref("Shipment"),
            "events": told(listed(ref("Scan")), "Newest first."),
            "statistics": ref("Statistics"),
            "quarantinedEvents": QUARANTINED,
        },
        optional=["quarantinedEvents"],
        description="What carriers say of a number now. No tracker is made of it.",
    ),
}

_COURIER: dict[str, Any] = {
    "courierCode": "all24",
    "courierName": "all24",
    "website": None,
    "isPost": False,
    "countryCode": None,
    "requiredFields": None,
    "isDeprecated": False,
    "requiresAccount": True,
    "health": {"status": "operational", "reason": None, "until": None},
}
_CANDIDATE: dict[str, Any] = {
    "courierCode": "all24",
    "courierName": "all24",
    "confidence": "format",
    "reason": "It has the form of all24's own numbers.",
    "isReachable": True,
}
_CALL = {name: examples.TRACKING[name] for name in ("shipment", "events", "statistics")}

OPERATIONS: dict[str, Operation] = {
    "GET /v1/couriers": Operation(
        id="listCouriers",
        tag="Couriers",
        summary="List couriers",
        description="All of them, by code. `requiresAccount` and `health` are ours; the rest is Ship24's.",
        answers={
            200: Answer(
                description="Every courier.",
                schema=enveloped(couriers=listed(ref("Courier"))),
                example={"data": {"couriers": [_COURIER]}},
            )
        },
    ),
    "GET /v1/couriers/detect": Operation(
        id="detectCouriers",
        tag="Couriers",
        summary="Whose number is it?",
        description="Couriers that the number may belong to, the surest first, and why.",
        query=DetectQuery,
        answers={
            200: Answer(
                description="The candidates; none where no courier's numbers look like it.",
                schema=enveloped(trackingNumber=TEXT, candidates=listed(ref("Candidate"))),
                example={"data": {"trackingNumber": "HSBY37H7", "candidates": [_CANDIDATE]}},
            )
        },
        errors={400: ["missing_mandatory_field"]},
    ),
    "POST /v1/tracking/search": Operation(
        id="searchTracking",
        tag="Couriers",
        summary="Ask carriers once, without following",
        description="Waits for the carriers, `TRACK_WAIT` seconds at most. Nothing is stored.",
        body=SearchSerializer,
        body_example={"trackingNumber": "HSBY37H7", "courierCode": "all24"},
        answers={
            201: Answer(
                description="What they know. Nothing is created: 201 is Ship24's status.",
                schema=enveloped(trackings=listed(ref("CallTracking"))),
                example={"data": {"trackings": [_CALL]}},
            )
        },
        errors={
            400: ["missing_mandatory_field", "shipping_date_outdated"],
            404: ["parcel_not_found"],
            422: ["no_active_subscription"],
            503: ["processing_error"],
        },
    ),
}
