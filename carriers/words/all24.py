"""all24's words: its event codes, and what they mean in ours."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from events.statuses import Milestone, StatusCode


class Meaning(NamedTuple):
    """What an event code is in our words. `final`: the carrier has no other after it."""

    status: StatusCode | None
    milestone: Milestone | None
    final: bool = False


UNKNOWN = Meaning(None, None)
CODES: Mapping[str | None, Meaning] = MappingProxyType(
    {
        "050000": Meaning(StatusCode.DATA_ORDER_CREATED, Milestone.INFO_RECEIVED),
        "100000": Meaning(StatusCode.TRANSIT_HANDOVER, Milestone.IN_TRANSIT),
        "200000": Meaning(None, Milestone.IN_TRANSIT),
        "300000": Meaning(StatusCode.DESTINATION_ARRIVAL, Milestone.IN_TRANSIT),
        "500000": Meaning(StatusCode.DELIVERY_DELIVERED, Milestone.DELIVERED, final=True),
    }
)
#: The nearest code for a scan of another carrier: by its status, else by the parcel's milestone.
BY_STATUS: Mapping[str | None, str] = MappingProxyType(
    {
        StatusCode.DATA_ORDER_CREATED: "050000",
        StatusCode.DATA_ORDER_CANCELLED: "050000",
        StatusCode.TRANSIT_HANDOVER: "100000",
        StatusCode.DESTINATION_ARRIVAL: "300000",
        StatusCode.DELIVERY_DELIVERED: "500000",
    }
)
#: What went wrong stands at the last thing that is certain, never at "delivered".
BY_MILESTONE: Mapping[str, str] = MappingProxyType(
    {
        Milestone.PENDING: "050000",
        Milestone.INFO_RECEIVED: "050000",
        Milestone.IN_TRANSIT: "200000",
        Milestone.OUT_FOR_DELIVERY: "200000",
        Milestone.FAILED_ATTEMPT: "300000",
        Milestone.AVAILABLE_FOR_PICKUP: "300000",
        Milestone.DELIVERED: "500000",
        Milestone.EXCEPTION: "200000",
    }
)
#: Keys of an answer that are no orders.
ENVELOPE = frozenset({"response_code", "error_codes"})
#: How an event tells its place.
PLACE = ("location_name", "service_area", "postcode")
