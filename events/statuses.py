"""The words for where a parcel is: Ship24's taxonomy of 8 milestones, 6 categories and 20 status codes."""

from enum import StrEnum


class Milestone(StrEnum):
    """The coarse state of a shipment; always set."""

    #: Nothing is known yet.
    PENDING = "pending"
    #: The carrier knows the order; the parcel is not with it yet.
    INFO_RECEIVED = "info_received"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    #: The carrier tried to deliver and could not.
    FAILED_ATTEMPT = "failed_attempt"
    #: It waits for the recipient at a pick-up point.
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERED = "delivered"
    #: Seemingly final: returned, lost, destroyed, cancelled.
    EXCEPTION = "exception"


class Category(StrEnum):
    """The group a status code belongs to."""

    DATA = "data"
    TRANSIT = "transit"
    DESTINATION = "destination"
    CUSTOMS = "customs"
    DELIVERY = "delivery"
    EXCEPTION = "exception"


class StatusCode(StrEnum):
    """The fine state; null where a scan says nothing of the kind."""

    DATA_ORDER_CREATED = "data_order_created"
    DATA_ORDER_CANCELLED = "data_order_cancelled"
    DATA_DELIVERY_PROPOSED = "data_delivery_proposed"
    DATA_DELIVERY_DECIDED = "data_delivery_decided"
    TRANSIT_HANDOVER = "transit_handover"
    TRANSIT_ORIGIN_COUNTRY_DEPARTURE = "transit_origin_country_departure"
    DESTINATION_ARRIVAL = "destination_arrival"
    CUSTOMS_RECEIVED = "customs_received"
    CUSTOMS_EXCEPTION = "customs_exception"
    CUSTOMS_REJECTED = "customs_rejected"
    CUSTOMS_CLEARED = "customs_cleared"
    DELIVERY_AVAILABLE_FOR_PICKUP = "delivery_available_for_pickup"
    DELIVERY_OUT_FOR_DELIVERY = "delivery_out_for_delivery"
    DELIVERY_ATTEMPTED = "delivery_attempted"
    DELIVERY_EXCEPTION = "delivery_exception"
    DELIVERY_REFUSED = "delivery_refused"
    DELIVERY_DELIVERED = "delivery_delivered"
    EXCEPTION_RETURN = "exception_return"
    EXCEPTION_LOST = "exception_lost"
    EXCEPTION_DISCARDED = "exception_discarded"

    @property
    def category(self) -> Category:
        """Every code begins with its category."""
        return Category(self.value.partition("_")[0])
