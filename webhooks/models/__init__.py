"""Endpoints, what they are told, and every try of telling them."""

from webhooks.models.deliveries import Attempt, Delivery, ExtraTry, Message, Recovery, Trigger
from webhooks.models.endpoints import (
    MAX_URL,
    SECRET_COLUMNS,
    Endpoint,
    Lane,
    Notice,
    Signature,
    Tally,
    default_schedule,
    default_types,
)
from webhooks.models.tallies import HourTally

__all__ = [
    "MAX_URL",
    "SECRET_COLUMNS",
    "Attempt",
    "Delivery",
    "Endpoint",
    "ExtraTry",
    "HourTally",
    "Lane",
    "Message",
    "Notice",
    "Recovery",
    "Signature",
    "Tally",
    "Trigger",
    "default_schedule",
    "default_types",
]
