"""A tracker and what is known of its parcel: the schemas of Ship24's shapes and of what we add to them."""

from accounts.describing import (
    FLAG,
    MOMENT,
    STRINGS,
    TEXT,
    UUID,
    WHOLE,
    Schema,
    listed,
    nullable,
    record,
    ref,
    told,
    words,
)
from carriers.outcome import Outcome
from carriers.snapshot import Certainty, Party

_DATETIME = nullable(ref("Datetime"))
_COUNTRY = nullable({"type": "string", "pattern": "^[A-Z]{2}$"})

TRACKER: dict[str, Schema] = {
    "trackerId": UUID,
    "trackingNumber": TEXT,
    "shipmentReference": nullable(TEXT),
    "courierCode": told(STRINGS, "As you gave it."),
    "clientTrackerId": told(nullable(TEXT), "Your own id."),
    "isSubscribed": told(FLAG, "Your wish: false once it is archived."),
    "isTracked": told(FLAG, "Whether carriers are still asked."),
    "createdAt": MOMENT,
}
POLLED: dict[str, Schema] = TRACKER | {
    "lastPolledAt": nullable(MOMENT),
    "nextPollAt": told(nullable(MOMENT), "Null while no account can ask, or nobody will."),
    "lastPollOutcome": nullable(ref("PollOutcome")),
    "lastPollError": nullable(TEXT),
    "stalledAt": told(nullable(MOMENT), "Since when it has stalled; null while something is heard."),
    "stopReason": told(nullable(TEXT), "Why carriers are no longer asked; null while they are."),
    "erasedAt": told(nullable(MOMENT), "When what is personal was erased, since when none is kept."),
    "trackingPageUrl": told(
        nullable(TEXT), "The page for shoppers; null once it is erased, or you have switched pages off."
    ),
}

_SCAN: dict[str, Schema] = {
    "eventId": told(UUID, "Its id in the log."),
    "trackingNumber": told(TEXT, "As asked."),
    "eventTrackingNumber": told(TEXT, "The number that it was found under."),
    "status": told(TEXT, "The carrier's own text."),
    "occurrenceDatetime": _DATETIME,
    "order": told(WHOLE, "Lower is older; decides between equal times."),
    "location": nullable(TEXT),
    "sourceCode": told(TEXT, "The feed it came from."),
    "courierCode": TEXT,
    "statusCode": nullable(ref("StatusCode")),
    "statusCategory": nullable(ref("StatusCategory")),
    "statusMilestone": ref("Milestone"),
    "datetime": told(nullable(MOMENT), "The best instant that is known."),
    "utcOffset": nullable({"type": "string", "pattern": r"^[+-]\d\d:\d\d$"}),
    "hasNoTime": told(FLAG, "Whether only the day is known."),
    "carrierEventCode": told(nullable(TEXT), "The carrier's own code, as sent."),
    "timeCertainty": ref("TimeCertainty"),
    "reason": nullable(ref("Reason")),
}
_SHIPMENT: dict[str, Schema] = {
    "shipmentId": UUID,
    "statusCode": nullable(ref("StatusCode")),
    "statusCategory": nullable(ref("StatusCategory")),
    "statusMilestone": ref("Milestone"),
    "originCountryCode": _COUNTRY,
    "destinationCountryCode": _COUNTRY,
    "delivery": record(
        {
            "estimatedDeliveryDate": _DATETIME,
            "courierEstimatedDeliveryDate": nullable(record({"from": _DATETIME, "to": _DATETIME})),
            "service": nullable(TEXT),
            "signedBy": told(nullable(TEXT), "Personal: null in messages."),
        }
    ),
    "trackingNumbers": listed(record({"tn": TEXT})),
    "recipient": nullable(ref("Recipient")),
    "actionRequired": nullable(ref("ActionRequired")),
}
_TIMESTAMPS = (
    "infoReceivedDatetime",
    "inTransitDatetime",
    "outForDeliveryDatetime",
    "failedAttemptDatetime",
    "availableForPickupDatetime",
    "exceptionDatetime",
    "deliveredDatetime",
)
_TRACKING: dict[str, Schema] = {
    "tracker": ref("Tracker"),
    "shipment": ref("Shipment"),
    "events": told(listed(ref("Scan")), "Newest first."),
    "statistics": ref("Statistics"),
}
#: What results have beside it, where there are such scans.
QUARANTINED = told(
    listed(ref("Scan"), minItems=1),
    "Scans that are older than the shipment: of another parcel that had this number. They count for nothing.",
)

SCHEMAS: dict[str, Schema] = {
    "Tracker": record(TRACKER, description="An instruction to follow one shipment."),
    "PolledTracker": record(POLLED, description="A tracker, and how asking the carriers goes."),
    "TrackerAtRoot": record(
        POLLED | {"data": record({"tracker": ref("PolledTracker")})},
        description="The tracker at the root and under `data`: Ship24's clients differ in where they look.",
    ),
    "PollOutcome": words(Outcome, "What became of asking a carrier."),
    "TimeCertainty": words(Certainty, "How sure the instant of a scan is."),
    "Reason": record(
        {
            "code": told(TEXT, "The carrier's code."),
            "text": TEXT,
            "party": words(Party, "Who can act on it."),
        },
        description="Why a delivery is late or failed.",
    ),
    "ActionRequired": record(
        {
            "party": words([Party.CONSIGNEE, Party.SENDER], "Who must act."),
            "reason": record({"code": TEXT, "text": TEXT}),
            "sinceDatetime": told(_DATETIME, "Since which scan."),
        },
        description="Who must act so that the parcel goes on. Null where nobody must.",
    ),
    "Recipient": record(
        {name: nullable(TEXT) for name in ("name", "address", "postCode", "city", "subdivision")},
        description="Personal: shown where your own carrier account learned it, or you gave it.",
    ),
    "Scan": record(_SCAN, description="One fact that a carrier reports."),
    "Shipment": record(_SHIPMENT, description="The parcel as a whole."),
    "Statistics": record(
        {"timestamps": record(dict.fromkeys(_TIMESTAMPS, _DATETIME))},
        description="When each milestone was first reached.",
    ),
    "Tracking": record(
        _TRACKING | {"quarantinedEvents": QUARANTINED},
        optional=["quarantinedEvents"],
        description="What is known of a parcel.",
    ),
    "MessageTracking": record(
        {"metadata": ref("MessageMetadata")}
        | _TRACKING
        | {"withdrawnEventIds": told(listed(UUID), "Scans that the carrier took back.")},
        optional=["withdrawnEventIds"],
        description="A tracking as messages carry it: only the scans that are new, and nothing personal.",
    ),
    "MessageMetadata": record(
        {
            "generatedAt": MOMENT,
            "messageId": told(UUID, "The `webhook-id`."),
            "topic": {"type": "string", "const": "tracking/events"},
            "sequence": WHOLE,
            "previousSequence": nullable(WHOLE),
            "previousMilestone": nullable(ref("Milestone")),
        }
    ),
}
