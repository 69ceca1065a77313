"""What the log says of endpoints."""

from dataclasses import dataclass
from typing import ClassVar

from events.catalog import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointDisabled(Fact):
    """Parcelwire stopped sending to an endpoint, after this try of this delivery (0: before its first)."""

    type: ClassVar[str] = "endpoint.disabled"
    webhook_id: str
    reason: str
    failing_since: str | None
    delivery_id: str
    attempt: int
    _claim_id: str

    @property
    def key(self) -> str:
        # Not the attempt: one that was not sent has none.
        return f"disabled:{self.delivery_id}:{self._claim_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRecovered(Fact):
    """A disabled endpoint took the test that its merchant asked for, and is sent to again.

    `reason` is why it had been disabled, `delivery_id` the test.
    """

    type: ClassVar[str] = "endpoint.recovered"
    webhook_id: str
    reason: str
    disabled_since: str | None
    delivery_id: str

    @property
    def key(self) -> str:
        return f"recovered:{self.delivery_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryExhausted(Fact):
    """A delivery used up its retry schedule, or was held for too long. `error` is how its last try failed.

    `held_since` is when its endpoint stopped being active, null where the schedule ended it.
    """

    type: ClassVar[str] = "delivery.exhausted"
    webhook_id: str
    delivery_id: str
    message_id: str
    message_type: str
    tracker_id: str | None
    sequence: int
    attempt_count: int
    error: str
    status_code: int | None
    held_since: str | None = None

    @property
    def key(self) -> str:
        # One that was sent again may be held, and given up, without another try.
        held = f":{self.held_since}" if self.held_since else ""
        return f"exhausted:{self.delivery_id}:{self.attempt_count}{held}"
