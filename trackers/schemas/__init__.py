"""Trackers and all that is asked about them, as OpenAPI describes it."""

from accounts.describing import TEXT, Operation, Schema, told, words
from trackers.reading import SearchBy
from trackers.schemas import (
    accounts,
    all24,
    bulk,
    couriers,
    express247,
    finding,
    following,
    messages,
    pushed,
    pushes,
    shapes,
    tracking_page,
)

TAGS = [
    {"name": "Trackers", "description": "Parcels that you follow, and what is known of them."},
    {"name": "Couriers", "description": "Who moves parcels, and what they say at once."},
    tracking_page.TAG,
    accounts.TAG,
    pushed.TAG,
    {
        "name": "Dialects",
        "description": "For code that speaks to another service already: its host is all that changes.",
    },
]
ERRORS: dict[str, str] = {
    "tracker_not_found": "Tracker not found.",
    "tracker_conflict": "clientTrackerId: it belongs to a tracker with another payload.",
    "tracker_not_updatable": "The tracker is not subscribed any more.",
    "shipping_date_outdated": "shippingDate: it is more than 180 days ago.",
    "missing_mandatory_field": "trackingNumber: This field is required.",
    "quota_limit_reached": "You have as many subscribed trackers as you may; unsubscribe some first.",
    "bulk_create_limit_exceeded": "At most 100 trackers can be created at once.",
    "carrier_account_not_found": "Carrier account not found.",
    "auth_invalid_push": "This address does not take this call.",
    "parcel_not_found": "No carrier that was asked knows this number.",
    "no_active_subscription": "None of your carrier accounts can ask for this number.",
    "webhook_url_missing": "No webhook endpoint is active.",
}
PARAMETERS: dict[str, Schema] = {
    **messages.PARAMETERS,
    **accounts.PARAMETERS,
    **pushed.PARAMETERS,
    **all24.PARAMETERS,
    **express247.PARAMETERS,
    "trackerId": {
        "name": "trackerId",
        "in": "path",
        "required": True,
        "description": "The tracker's id, or your own: see `searchBy`.",
        "schema": told(TEXT, "A UUID, unless `searchBy` says otherwise."),
        "example": "0195f0c2-7a51-7cc0-8b1a-1f2e3d4c5b6a",
    },
    "trackingNumber": {
        "name": "trackingNumber",
        "in": "path",
        "required": True,
        "description": "A carrier's number; a slash in it is taken as it is or as %2F.",
        "schema": TEXT,
        "example": "HSBY37H7",
    },
    "SearchBy": {
        "name": "searchBy",
        "in": "query",
        "required": False,
        "description": "What the id in the path is.",
        "schema": words(SearchBy) | {"default": SearchBy.TRACKER_ID.value},
    },
}
SCHEMAS: dict[str, Schema] = {
    **shapes.SCHEMAS,
    **finding.SCHEMAS,
    **bulk.SCHEMAS,
    **couriers.SCHEMAS,
    **pushes.SCHEMAS,
    **accounts.SCHEMAS,
    **tracking_page.SCHEMAS,
    **all24.SCHEMAS,
    **express247.SCHEMAS,
    **messages.message_schemas(),
}
OPERATIONS: dict[str, Operation] = {
    **following.OPERATIONS,
    **bulk.OPERATIONS,
    **finding.OPERATIONS,
    **couriers.OPERATIONS,
    **pushes.OPERATIONS,
    **accounts.OPERATIONS,
    **tracking_page.OPERATIONS,
    **pushed.OPERATIONS,
    **all24.OPERATIONS,
    **express247.OPERATIONS,
}
