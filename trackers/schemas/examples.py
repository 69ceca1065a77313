"""One parcel's life, which the examples tell."""

from typing import Any

TRACKER: dict[str, Any] = {
    "trackerId": "0195f0c2-7a51-7cc0-8b1a-1f2e3d4c5b6a",
    "trackingNumber": "HSBY37H7",
    "shipmentReference": None,
    "courierCode": ["all24"],
    "clientTrackerId": "order-1002",
    "isSubscribed": True,
    "isTracked": True,
    "createdAt": "2026-03-01T11:09:00.000Z",
}
POLLED: dict[str, Any] = TRACKER | {
    "lastPolledAt": None,
    "nextPollAt": "2026-03-01T11:09:00.000Z",
    "lastPollOutcome": None,
    "lastPollError": None,
    "stalledAt": None,
    "stopReason": None,
    "erasedAt": None,
    "trackingPageUrl": "https://parcels.shop.example/track/AZXwwnpRfMCLGh8uPUxbanvVSgHL6lCdoqMkGaWb0tE",
}
SCAN: dict[str, Any] = {
    "eventId": "0195f0c2-7b02-7d11-9c2b-2a3f4e5d6c7b",
    "trackingNumber": "HSBY37H7",
    "eventTrackingNumber": "HSBY37H7",
    "status": "Delivery complete",
    "occurrenceDatetime": "2026-03-02T12:02:00+07:00",
    "order": 5,
    "location": "Bangkok, 10110",
    "sourceCode": "all24-tracking",
    "courierCode": "all24",
    "statusCode": "delivery_delivered",
    "statusCategory": "delivery",
    "statusMilestone": "delivered",
    "datetime": "2026-03-02T05:02:00.000Z",
    "utcOffset": "+07:00",
    "hasNoTime": False,
    "carrierEventCode": "500000",
    "timeCertainty": "offset_assumed",
    "reason": None,
}
TRACKING: dict[str, Any] = {
    "tracker": TRACKER,
    "shipment": {
        "shipmentId": "0195f0c2-7a51-7cc0-8b1a-1f2e3d4c5b6a",
        "statusCode": "delivery_delivered",
        "statusCategory": "delivery",
        "statusMilestone": "delivered",
        "originCountryCode": None,
        "destinationCountryCode": "TH",
        "delivery": {
            "estimatedDeliveryDate": "2026-03-02T18:00:00+07:00",
            "courierEstimatedDeliveryDate": {"from": None, "to": "2026-03-02T18:00:00+07:00"},
            "service": None,
            "signedBy": None,
        },
        "trackingNumbers": [{"tn": "HSBY37H7"}],
        "recipient": None,
        "actionRequired": None,
    },
    "events": [SCAN],
    "statistics": {
        "timestamps": {
            "infoReceivedDatetime": None,
            "inTransitDatetime": None,
            "outForDeliveryDatetime": None,
            "failedAttemptDatetime": None,
            "availableForPickupDatetime": None,
            "exceptionDatetime": None,
            "deliveredDatetime": "2026-03-02T12:02:00+07:00",
        }
    },
}
METADATA: dict[str, Any] = {
    "generatedAt": "2026-03-02T05:03:00.000Z",
    "messageId": "0195f0c2-9d23-7a12-9f5e-5d6c7b8a9f0e",
    "topic": "tracking/events",
    "sequence": 7,
    "previousSequence": 5,
    "previousMilestone": "in_transit",
}
CREATE: dict[str, Any] = {
    "trackingNumber": "HSBY37H7",
    "courierCode": "all24",
    "clientTrackerId": "order-1002",
}
