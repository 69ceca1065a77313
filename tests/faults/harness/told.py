"""What carriers say of a parcel, in their own formats."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

#: all24's code as Ship24 has it.
_MILESTONES = {
    "050000": ("info_received", "data", "data_order_created"),
    "100000": ("in_transit", "transit", "transit_handover"),
    "200000": ("in_transit", None, None),
    "300000": ("in_transit", "destination", "destination_arrival"),
    "500000": ("delivered", "delivery", "delivery_delivered"),
}
#: Between two scans, as they are told, whatever time has really gone.
_STEP = timedelta(minutes=10)


def all24_order(number: str, scans: Sequence[dict[str, Any]], began: datetime) -> dict[str, Any]:
    """The newest first. Moments are those of Bangkok."""
    history = [
        {
            "event_time": f"{_moment(scan, began) + timedelta(hours=7):%Y-%m-%d %H:%M:%S}",
            "event_name": scan["text"],
            "event_code": scan["code"],
            "location_ref": f"place-{scan['n']}",
            "location": {"location_name": "Depot", "service_area": "Bangkok", "postcode": "10110"},
        }
        for scan in reversed(scans)
    ]
    return {
        "origin_order_date": f"{began + timedelta(hours=7):%Y-%m-%dT%H:%M:%S}+07:00",
        "order_ref_id": f"ref-{number}",
        "hs_order_ref": number,
        "sender_location": {"location_name": "Sender of Parcels"},
        "recipient_location": {"location_name": "Recipient of Parcels", "addressline1": "1 Secret Lane"},
        "history": history,
    }


def ship24_tracking(given: str, scans: Sequence[dict[str, Any]], began: datetime) -> dict[str, Any]:
    """Of the tracker that its client gave this id; the newest event first."""
    return {
        "tracker": {"trackerId": f"there-{given}", "clientTrackerId": given, "isSubscribed": True},
        "shipment": {"statusMilestone": "pending", "delivery": {}},
        "events": [_event(given, scan, began) for scan in reversed(scans)],
        "statistics": {"timestamps": {}},
    }


def ship24_push(given: str, scans: Sequence[dict[str, Any]], began: datetime) -> dict[str, Any]:
    """The body of a push, written now."""
    written = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    metadata = {"generatedAt": written, "messageId": str(uuid4()), "topic": "tracking/events"}
    return {"trackings": [{"metadata": metadata, **ship24_tracking(given, scans, began)}]}


def _event(given: str, scan: dict[str, Any], began: datetime) -> dict[str, Any]:
    milestone, category, status = _MILESTONES[scan["code"]]
    return {
        "eventId": f"{given}-{scan['n']}",
        "status": scan["text"],
        "occurrenceDatetime": f"{_moment(scan, began):%Y-%m-%dT%H:%M:%SZ}",
        "order": None,
        "location": "Depot",
        "sourceCode": "gb-post-tracking",
        "courierCode": "gb-post",
        "statusCode": status,
        "statusCategory": category,
        "statusMilestone": milestone,
    }


def _moment(scan: dict[str, Any], began: datetime) -> datetime:
    return began + scan["n"] * _STEP
