"""What pages say, in plain words: ours for each milestone, status code and reason, never a carrier's text.

They are marked here for gettext, and put into the shopper's language where they are shown.
"""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.translation import gettext_noop as _

from carriers.snapshot import Party
from events.statuses import Milestone, StatusCode


class Saying(NamedTuple):
    """A headline, and a sentence that tells what it means for the shopper."""

    headline: str
    sentence: str


MILESTONES: Mapping[str, Saying] = {
    Milestone.PENDING: Saying(
        _("No news yet"), _("The carrier has not told us anything yet. Please look again later.")
    ),
    Milestone.INFO_RECEIVED: Saying(
        _("Order received"), _("The carrier knows about the parcel and is waiting to receive it.")
    ),
    Milestone.IN_TRANSIT: Saying(_("On its way"), _("The carrier has the parcel and is bringing it to you.")),
    Milestone.OUT_FOR_DELIVERY: Saying(
        _("Out for delivery"), _("The parcel is with the courier who will deliver it.")
    ),
    Milestone.FAILED_ATTEMPT: Saying(
        _("Delivery attempted"), _("The parcel could not be delivered. Usually the carrier tries again.")
    ),
    Milestone.AVAILABLE_FOR_PICKUP: Saying(
        _("Ready for pick-up"), _("The parcel is waiting to be picked up.")
    ),
    Milestone.DELIVERED: Saying(_("Delivered"), _("The parcel has been delivered.")),
    Milestone.EXCEPTION: Saying(
        _("There is a problem"), _("The parcel cannot be delivered. Please ask the shop.")
    ),
}
#: Of an exception, what is known more exactly.
PROBLEMS: Mapping[str | None, Saying] = {
    StatusCode.EXCEPTION_RETURN: Saying(
        _("Going back to the sender"), _("The parcel is not delivered but returned. Please ask the shop.")
    ),
    StatusCode.EXCEPTION_LOST: Saying(
        _("Lost"), _("The carrier says that the parcel is lost. Please ask the shop.")
    ),
    StatusCode.EXCEPTION_DISCARDED: Saying(
        _("Taken out of delivery"),
        _("The carrier says that the parcel will not be delivered. Please ask the shop."),
    ),
    StatusCode.DATA_ORDER_CANCELLED: Saying(
        _("Cancelled"), _("The shipment was cancelled. Please ask the shop if you did not expect this.")
    ),
}
#: The stations of the bar, by the milestone that reaches them.
STATIONS: tuple[str, ...] = (
    Milestone.INFO_RECEIVED,
    Milestone.IN_TRANSIT,
    Milestone.OUT_FOR_DELIVERY,
    Milestone.DELIVERED,
)
#: Milestones that stand at a station under another name.
AT_STATION: Mapping[str, str] = {
    Milestone.FAILED_ATTEMPT: Milestone.OUT_FOR_DELIVERY,
    Milestone.AVAILABLE_FOR_PICKUP: Milestone.OUT_FOR_DELIVERY,
}

SCANS: Mapping[str, str] = {
    StatusCode.DATA_ORDER_CREATED: _("Announced to the carrier"),
    StatusCode.DATA_ORDER_CANCELLED: _("Shipment cancelled"),
    StatusCode.DATA_DELIVERY_PROPOSED: _("Delivery time proposed"),
    StatusCode.DATA_DELIVERY_DECIDED: _("Delivery time agreed"),
    StatusCode.TRANSIT_HANDOVER: _("Handed over to the carrier"),
    StatusCode.TRANSIT_ORIGIN_COUNTRY_DEPARTURE: _("Left the country of origin"),
    StatusCode.DESTINATION_ARRIVAL: _("Arrived at the destination"),
    StatusCode.CUSTOMS_RECEIVED: _("In customs"),
    StatusCode.CUSTOMS_EXCEPTION: _("Held up in customs"),
    StatusCode.CUSTOMS_REJECTED: _("Rejected by customs"),
    StatusCode.CUSTOMS_CLEARED: _("Cleared by customs"),
    StatusCode.DELIVERY_AVAILABLE_FOR_PICKUP: _("Ready for pick-up"),
    StatusCode.DELIVERY_OUT_FOR_DELIVERY: _("Out for delivery"),
    StatusCode.DELIVERY_ATTEMPTED: _("Delivery attempted"),
    StatusCode.DELIVERY_EXCEPTION: _("Delivery delayed"),
    StatusCode.DELIVERY_REFUSED: _("Delivery refused"),
    StatusCode.DELIVERY_DELIVERED: _("Delivered"),
    StatusCode.EXCEPTION_RETURN: _("Going back to the sender"),
    StatusCode.EXCEPTION_LOST: _("Lost"),
    StatusCode.EXCEPTION_DISCARDED: _("Taken out of delivery"),
}
#: Of a return after which the carrier has no other word.
RETURNED = Saying(
    _("Returned to the sender"), _("The parcel was not delivered but returned. Please ask the shop.")
)
#: Of a scan that says neither a status nor where the parcel is.
NEUTRAL = _("News from the carrier")

#: What a page says that shows no parcel.
ABSENT = Saying(
    _("Nothing to see here"),
    _(
        "This link does not lead to a parcel. Perhaps it is incomplete, or no longer valid."
        " Please ask the shop that sent it."
    ),
)
BUSY = Saying(_("One moment, please"), _("There were too many calls. Please try again in a minute."))
OUT_OF_ORDER = Saying(
    _("One moment, please"), _("Your parcel cannot be shown right now. Please try again soon.")
)

_NOBODY = _("Nobody was there to receive the parcel.")
_ADDRESS = _("The address could not be found.")
_DETAILS = _("Details on the parcel or in the order are wrong.")
_OTHER_ADDRESS = _("Delivery to another address was asked for.")
_OTHER_TIME = _("Delivery at another time was asked for.")
_PHONE = _("Nobody could be reached by phone.")
_CLOSED = _("Nothing can be delivered there on that day.")
_WEATHER = _("Bad weather holds up deliveries.")
_STOPPED = _("The sender stopped the delivery.")
#: By courier and its code.
_REASONS: Mapping[str, Mapping[str, str]] = {
    "247express": {
        "1": _ADDRESS,
        "2": _NOBODY,
        "3": _DETAILS,
        "4": _ADDRESS,
        "5": _("The parcel was sent along a wrong route."),
        "6": _OTHER_ADDRESS,
        "7": _("The recipient did not know of the delivery."),
        "8": _("The parcel was not accepted."),
        "9": _OTHER_TIME,
        "10": _OTHER_TIME,
        "11": _PHONE,
        "12": _PHONE,
        "13": _NOBODY,
        "14": _("The recipient is not known at the address."),
        "15": _("The parcel is waiting at the post office."),
        "16": _("The goods may not be inspected before they are accepted."),
        "19": _("The amount due could not be collected."),
        "21": _CLOSED,
        "22": _CLOSED,
        "24": _WEATHER,
        "26": _STOPPED,
        "30": _("The parcel was damaged on the way."),
        "31": _("A part of the parcel is missing."),
        "33": _("The parcel was lost on the way."),
        "35": _("The phone number is wrong."),
        "41": _("A valid identity card is needed."),
        "43": _("The parcel may only be handed over in person."),
        "46": _DETAILS,
        "52": _OTHER_ADDRESS,
        "53": _STOPPED,
    },
    "sandbox": {"NOBODY_THERE": _NOBODY},
}
#: By who can act, where the code is not among those.
_PARTIES: Mapping[str, str] = {
    Party.CONSIGNEE: _("Something is needed from the recipient."),
    Party.SENDER: _("Something is needed from the sender."),
    Party.CARRIER: _("The carrier was held up."),
    Party.WEATHER: _WEATHER,
    Party.UNKNOWN: _("The delivery is delayed."),
}


def reason_of(courier: str, reason: Mapping[str, str] | None) -> str | None:
    """Why a delivery is late, of a scan's `reason`; None where it names none."""
    if not reason:
        return None
    known = _REASONS.get(courier, {}).get(reason["code"])
    return known or _PARTIES.get(reason["party"], _PARTIES[Party.UNKNOWN])
