"""What the apps say of their operations, gathered for the OpenAPI document."""

from collections.abc import Mapping
from typing import TypeVar

import accounts.schemas
import carriers.facts
import events.schemas
import trackers.schemas
import webhooks.schemas
from accounts.describing import Operation, Schema, words
from events import catalog
from events.schemas import facts_of, feed_schemas
from trackers.schemas.messages import messages
from webhooks import facts

__all__ = ["ERRORS", "HEADERS", "OPERATIONS", "PARAMETERS", "SCHEMAS", "SECURITY", "TAGS", "messages"]

T = TypeVar("T")


def _joined(*parts: Mapping[str, T]) -> dict[str, T]:
    """All of them. Raises ValueError for a name that two apps use."""
    joined: dict[str, T] = {}
    for part in parts:
        if twice := joined.keys() & part.keys():
            raise ValueError(f"described twice: {', '.join(sorted(twice))}")
        joined |= part
    return joined


HEADERS: dict[str, Schema] = accounts.schemas.HEADERS
SECURITY: dict[str, Schema] = accounts.schemas.SECURITY
TAGS: list[Schema] = [*trackers.schemas.TAGS, events.schemas.TAG, webhooks.schemas.TAG]
ERRORS: dict[str, str] = _joined(accounts.schemas.ERRORS, webhooks.schemas.ERRORS, trackers.schemas.ERRORS)
PARAMETERS: dict[str, Schema] = _joined(
    accounts.schemas.PARAMETERS, webhooks.schemas.PARAMETERS, trackers.schemas.PARAMETERS
)
OPERATIONS: dict[str, Operation] = _joined(
    events.schemas.OPERATIONS, webhooks.schemas.OPERATIONS, trackers.schemas.OPERATIONS
)
SCHEMAS: dict[str, Schema] = _joined(
    accounts.schemas.SCHEMAS,
    {"ErrorCode": words(sorted(ERRORS), "Branch on it.")},
    events.schemas.SCHEMAS,
    feed_schemas([*facts_of(catalog), *facts_of(facts), *facts_of(carriers.facts)]),
    webhooks.schemas.SCHEMAS,
    trackers.schemas.SCHEMAS,
)
