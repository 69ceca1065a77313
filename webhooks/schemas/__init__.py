"""Endpoints, deliveries and what messages have in common, as OpenAPI describes them."""

from accounts.describing import UUID, Operation, Schema
from webhooks.schemas import deliveries, endpoints, life, recoveries, stats

TAG = {"name": "Webhooks", "description": "Where Parcelwire tells you what is new, and every try of it."}
ERRORS: dict[str, str] = {
    "webhook_conflict": "url: it is registered already with the same types and couriers.",
    "webhook_not_found": "Webhook not found.",
    "webhook_unreadable": "The endpoint's secret or headers cannot be read any more, so nothing can be sent.",
    "delivery_not_found": "Delivery not found.",
    "delivery_gone": "This delivery is older than what is kept.",
    "recovery_not_found": "Recovery not found.",
    "recovery_conflict": "10 recoveries of this endpoint are under way: wait for one, or cancel it.",
}
PARAMETERS: dict[str, Schema] = {
    "webhookId": {
        "name": "webhookId",
        "in": "path",
        "required": True,
        "description": "The endpoint's id.",
        "schema": UUID,
    },
    "deliveryId": {
        "name": "deliveryId",
        "in": "path",
        "required": True,
        "description": "The delivery's id.",
        "schema": UUID,
    },
    "recoveryId": {
        "name": "recoveryId",
        "in": "path",
        "required": True,
        "description": "The recovery's id.",
        "schema": UUID,
    },
}

SCHEMAS: dict[str, Schema] = {
    **endpoints.SCHEMAS,
    **deliveries.SCHEMAS,
    **life.SCHEMAS,
    **recoveries.SCHEMAS,
    **stats.SCHEMAS,
}
OPERATIONS: dict[str, Operation] = {
    **endpoints.OPERATIONS,
    **deliveries.OPERATIONS,
    **life.OPERATIONS,
    **recoveries.OPERATIONS,
    **stats.OPERATIONS,
}
