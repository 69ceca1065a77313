"""The messages that subscribers are sent, for the document's `webhooks`."""

from typing import Any

from accounts.describing import MOMENT, Schema, listed, record, ref, told
from events.schemas import component_of
from events.statuses import Milestone
from trackers.schemas import examples

#: Types whose body holds trackings, and what they tell.
_OF_PARCELS: dict[str, str] = {
    "tracker.created": "A tracker was created.",
    "tracker.updated": "A tracker's wishes were changed.",
    "tracker.stopped": "Carriers are no longer asked.",
    "tracker.restarted": "Carriers are asked again.",
    "tracker.erased": "What is personal about the parcel was erased; erase your copy too.",
    **{f"tracking.{milestone}": f"The milestone moved to `{milestone}`." for milestone in Milestone},
    "tracking.updated": "New scans or shipment facts; the milestone is the same.",
    "tracking.stalled": "Carriers told nothing new for longer than is usual.",
    "tracking.corrected": "A known scan changed, was withdrawn or came back.",
}
#: Types whose body holds data, that of their event but for a test, with an example of it.
_OF_DATA: dict[str, tuple[str, dict[str, Any]]] = {
    "endpoint.disabled": (
        "Parcelwire stopped sending to another endpoint of yours.",
        {
            "webhookId": "0195f0c2-8c13-7e22-9d3c-3b4a5f6e7d8c",
            "reason": "gone",
            "failingSince": "2026-03-01T11:09:00.000Z",
            "deliveryId": "0195f0c2-9d24-7f33-8e4d-4c5b6a7f8e9d",
            "attempt": 1,
        },
    ),
    "endpoint.recovered": (
        "A disabled endpoint of yours took the test that you asked for, and is sent to again.",
        {
            "webhookId": "0195f0c2-8c13-7e22-9d3c-3b4a5f6e7d8c",
            "reason": "gone",
            "disabledSince": "2026-03-01T11:09:00.000Z",
            "deliveryId": "0195f0c2-9d24-7f33-8e4d-4c5b6a7f8e9d",
        },
    ),
    "delivery.exhausted": (
        "A delivery to another endpoint of yours used up its schedule, or was held for 30 days.",
        {
            "webhookId": "0195f0c2-8c13-7e22-9d3c-3b4a5f6e7d8c",
            "deliveryId": "0195f0c2-9d24-7f33-8e4d-4c5b6a7f8e9d",
            "messageId": "0195f0c2-9d23-7a12-9f5e-5d6c7b8a9f0e",
            "messageType": "tracking.delivered",
            "trackerId": "0195f0c2-7a51-7cc0-8b1a-1f2e3d4c5b6a",
            "sequence": 7,
            "attemptCount": 11,
            "error": "timeout",
            "statusCode": None,
            "heldSince": None,
        },
    ),
    "carrier_account.suspended": (
        "Nothing more is sent with a carrier account of yours, for this reason.",
        {
            "carrierAccountId": "0195f0c2-6940-7bbf-8a09-0e1d2c3b4a59",
            "courierCode": "all24",
            "reason": "all24 answered 401",
            "happenedAt": "2026-03-01T11:09:00.000Z",
        },
    ),
    "carrier_account.resumed": (
        "A carrier account of yours that was suspended is asked with again.",
        {
            "carrierAccountId": "0195f0c2-6940-7bbf-8a09-0e1d2c3b4a59",
            "courierCode": "all24",
            "happenedAt": "2026-03-01T11:09:00.000Z",
        },
    ),
    "test": (
        "You asked for a test of the endpoint, or for it to be enabled.",
        {"webhookId": "0195f0c2-8c13-7e22-9d3c-3b4a5f6e7d8c"},
    ),
}
_HEADERS = ("WebhookId", "WebhookTimestamp", "WebhookSignature")
_SIGNED = "`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`; several with spaces between."

PARAMETERS: dict[str, Schema] = {
    "WebhookId": {
        "name": "webhook-id",
        "in": "header",
        "required": True,
        "description": "The message's id, the same at every try: drop what you have seen.",
        "schema": {"type": "string", "format": "uuid"},
        "example": "0195f0c2-9d23-7a12-9f5e-5d6c7b8a9f0e",
    },
    "WebhookTimestamp": {
        "name": "webhook-timestamp",
        "in": "header",
        "required": True,
        "description": "Seconds since 1970, fresh at every try.",
        "schema": {"type": "string", "pattern": r"^\d+$"},
        "example": "1772427780",
    },
    "WebhookSignature": {
        "name": "webhook-signature",
        "in": "header",
        "required": True,
        "description": _SIGNED,
        "schema": {"type": "string"},
        "example": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    },
}


def message_schemas() -> dict[str, Schema]:
    """A component for the body of each message type."""
    bodies = {_component_of(kind): _about_parcel(kind, tells) for kind, tells in _OF_PARCELS.items()}
    return bodies | {
        _component_of(kind): _about_endpoint(kind, tells) for kind, (tells, _) in _OF_DATA.items()
    }


def messages() -> dict[str, Schema]:
    """The document's `webhooks`: one per message type."""
    told_of = _OF_PARCELS | {kind: tells for kind, (tells, _) in _OF_DATA.items()}
    return {kind: {"post": _message(kind, tells)} for kind, tells in told_of.items()}


def _message(kind: str, tells: str) -> Schema:
    content = {"schema": ref(_component_of(kind)), "example": _example(kind)}
    return {
        "operationId": f"on{_component_of(kind).removesuffix('Message')}",
        "tags": ["Webhooks"],
        "summary": tells,
        "description": "Signed by Standard Webhooks. Verify the raw bytes, store the message, answer 2xx.",
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _HEADERS],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "2XX": {"description": "It is yours now."},
            "410": {"description": "Disables the endpoint at once."},
            "default": {"description": "A failed try; `Retry-After` is honoured up to 24 h."},
        },
    }


def _about_parcel(kind: str, tells: str) -> Schema:
    trackings = listed(ref("MessageTracking"), minItems=1, maxItems=1)
    return record(_head(kind) | {"trackings": trackings}, description=tells)


def _about_endpoint(kind: str, tells: str) -> Schema:
    return record(_head(kind) | {"data": ref(component_of(kind))}, description=tells)


def _head(kind: str) -> dict[str, Schema]:
    return {"type": {"type": "string", "const": kind}, "timestamp": told(MOMENT, "When it was rendered.")}


def _example(kind: str) -> dict[str, Any]:
    head = {"type": kind, "timestamp": examples.METADATA["generatedAt"]}
    if kind in _OF_DATA:
        return head | {"data": _OF_DATA[kind][1]}
    return head | {"trackings": [{"metadata": examples.METADATA} | examples.TRACKING]}


def _component_of(kind: str) -> str:
    return component_of(kind).removesuffix("Data") + "Message"
