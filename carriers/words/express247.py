"""247Express's words: its statuses, its reasons for a delay, its error codes, and what they mean in ours."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from carriers.exceptions import CarrierError, KeyRejected, NotFoundYet, NotYourParcel, Refused, Unreachable
from carriers.snapshot import Party, Reason
from events.statuses import Milestone, StatusCode


class Meaning(NamedTuple):
    """What a status word is in our words. `final`: the carrier has no other after it."""

    status: StatusCode | None
    milestone: Milestone | None
    final: bool = False


UNKNOWN = Meaning(None, None)
#: In the order of a parcel's life, which decides between scans of one moment.
STATUSES: Mapping[str | None, Meaning] = MappingProxyType(
    {
        "ACCEPTED": Meaning(StatusCode.DATA_ORDER_CREATED, Milestone.INFO_RECEIVED),
        "PICKED_UP": Meaning(StatusCode.TRANSIT_HANDOVER, Milestone.IN_TRANSIT),
        "IN_TRANSIT": Meaning(None, Milestone.IN_TRANSIT),
        "DELIVERING": Meaning(StatusCode.DELIVERY_OUT_FOR_DELIVERY, Milestone.OUT_FOR_DELIVERY),
        "PENDING_FOR_PROCEED": Meaning(StatusCode.DELIVERY_ATTEMPTED, Milestone.FAILED_ATTEMPT),
        "DELIVERED": Meaning(StatusCode.DELIVERY_DELIVERED, Milestone.DELIVERED, final=True),
        "PENDING_FOR_RETURN": Meaning(StatusCode.EXCEPTION_RETURN, Milestone.EXCEPTION),
        "RETURNED": Meaning(StatusCode.EXCEPTION_RETURN, Milestone.EXCEPTION, final=True),
        "LOST": Meaning(StatusCode.EXCEPTION_LOST, Milestone.EXCEPTION, final=True),
        "CONFISCATED": Meaning(StatusCode.EXCEPTION_DISCARDED, Milestone.EXCEPTION, final=True),
        "CANCEL": Meaning(StatusCode.DATA_ORDER_CANCELLED, Milestone.EXCEPTION, final=True),
    }
)
_LIFE: Mapping[str | None, int] = MappingProxyType({word: place for place, word in enumerate(STATUSES)})
#: The status that a reason for a delay goes with.
DELAYED = "PENDING_FOR_PROCEED"
#: Statuses that a parcel may come to more than once.
REPEATED = frozenset({"IN_TRANSIT", "DELIVERING", DELAYED})

#: The nearest word for a scan of another carrier: by its status, else by the parcel's milestone. A return is
#: over where the carrier has no other word after it.
BY_STATUS: Mapping[str | None, str] = MappingProxyType(
    {
        StatusCode.DATA_ORDER_CREATED: "ACCEPTED",
        StatusCode.DATA_ORDER_CANCELLED: "CANCEL",
        StatusCode.TRANSIT_HANDOVER: "PICKED_UP",
        StatusCode.DELIVERY_OUT_FOR_DELIVERY: "DELIVERING",
        StatusCode.DELIVERY_AVAILABLE_FOR_PICKUP: DELAYED,
        StatusCode.DELIVERY_ATTEMPTED: DELAYED,
        StatusCode.DELIVERY_EXCEPTION: DELAYED,
        StatusCode.DELIVERY_REFUSED: DELAYED,
        StatusCode.DELIVERY_DELIVERED: "DELIVERED",
        StatusCode.EXCEPTION_RETURN: "PENDING_FOR_RETURN",
        StatusCode.EXCEPTION_LOST: "LOST",
        StatusCode.EXCEPTION_DISCARDED: "CONFISCATED",
    }
)
#: An exception that says no more is a parcel that was not delivered: nothing worse is claimed.
BY_MILESTONE: Mapping[str, str] = MappingProxyType(
    {
        Milestone.PENDING: "ACCEPTED",
        Milestone.INFO_RECEIVED: "ACCEPTED",
        Milestone.IN_TRANSIT: "IN_TRANSIT",
        Milestone.OUT_FOR_DELIVERY: "DELIVERING",
        Milestone.FAILED_ATTEMPT: DELAYED,
        Milestone.AVAILABLE_FOR_PICKUP: DELAYED,
        Milestone.DELIVERED: "DELIVERED",
        Milestone.EXCEPTION: DELAYED,
    }
)
#: The carrier's numbers, in short. "The customer" of its list is the sender.
_REASONS: Mapping[str, tuple[Party, str]] = MappingProxyType(
    {
        "1": (Party.SENDER, "Wrong address"),
        "2": (Party.CONSIGNEE, "Nobody there, the house was closed"),
        "3": (Party.SENDER, "The label and the parcel bear different addresses"),
        "4": (Party.SENDER, "Address not found"),
        "5": (Party.CARRIER, "Sent along a wrong route"),
        "6": (Party.CONSIGNEE, "The recipient asked for another address"),
        "7": (Party.CONSIGNEE, "The recipient had not been told of the delivery"),
        "8": (Party.CONSIGNEE, "The recipient refused the parcel"),
        "9": (Party.CONSIGNEE, "The recipient had no time to receive it"),
        "10": (Party.CONSIGNEE, "The recipient asked for another time"),
        "11": (Party.CONSIGNEE, "The recipient's phone was off or blocked"),
        "12": (Party.CONSIGNEE, "The recipient did not answer the phone"),
        "13": (Party.CONSIGNEE, "The recipient was not at home or at work"),
        "14": (Party.CONSIGNEE, "No such recipient at the address"),
        "15": (Party.CONSIGNEE, "To be fetched by the recipient at the post office"),
        "16": (Party.CONSIGNEE, "The recipient wanted to inspect goods that may not be inspected"),
        "19": (Party.CONSIGNEE, "The recipient had no money"),
        "21": (Party.CONSIGNEE, "The recipient does not work on Saturdays"),
        "22": (Party.CONSIGNEE, "The recipient does not work on holidays"),
        "24": (Party.WEATHER, "Bad weather or a natural disaster"),
        "26": (Party.SENDER, "The sender stopped the delivery and wants it back"),
        "30": (Party.CARRIER, "The contents were damaged on the way"),
        "31": (Party.CARRIER, "A part went missing on the way"),
        "33": (Party.CARRIER, "Lost on the way"),
        "35": (Party.SENDER, "Wrong phone number of the recipient"),
        "40": (Party.UNKNOWN, "Another reason"),
        "41": (Party.CONSIGNEE, "The recipient had no valid identity card"),
        "43": (Party.CONSIGNEE, "To be handed over in person, but another person should receive it"),
        "46": (Party.SENDER, "Wrong order information"),
        "52": (Party.SENDER, "The sender changed the address"),
        "53": (Party.SENDER, "The sender cancelled the order"),
    }
)
_TROUBLE = Meaning(StatusCode.DELIVERY_EXCEPTION, Milestone.FAILED_ATTEMPT)
#: Reasons that make the delay something else than an attempt.
_OUTCOMES: Mapping[str, Meaning] = MappingProxyType(
    {
        "8": Meaning(StatusCode.DELIVERY_REFUSED, Milestone.FAILED_ATTEMPT),
        "15": Meaning(StatusCode.DELIVERY_AVAILABLE_FOR_PICKUP, Milestone.AVAILABLE_FOR_PICKUP),
        "33": Meaning(StatusCode.EXCEPTION_LOST, Milestone.EXCEPTION),
        **dict.fromkeys(("5", "24", "26", "30", "31", "53"), _TROUBLE),
    }
)

ERRORS: Mapping[str, type[CarrierError]] = MappingProxyType(
    {
        "MISSING_APIKEY": KeyRejected,
        "APIKEY_NOT_FOUND": KeyRejected,
        "MISSING_ORDERCODE": Refused,
        "ORDERCODE_MIN_LENGTH": Refused,
        "ORDERCODE_MAX_LENGTH": Refused,
        "ORDERCODE_FORMAT_EXCEPTION": Refused,
        "ORDERCODE_NOT_FOUND": NotFoundYet,
        "ORDERCODE_DOES_NOT_BELONG_TO_YOUR_ACCOUNT": NotYourParcel,
        "EXCEPTION": Unreachable,
    }
)
#: The key's look-ups of the day are used up; the next day, at the carrier's home, brings new ones.
KEY_LIMIT = "APIKEY_LIMIT"
#: What the field for an error's code holds where there is none.
NO_ERROR = frozenset({"0", "false"})


def named(names: Iterable[str]) -> str | None:
    """The status word among the names of a status: the carrier sends the word, or an id beside its name."""
    found = (re.sub(r"[\s-]+", "_", name.upper()) for name in names)
    return next((word for word in found if word in STATUSES), None)


def life(word: str | None) -> int:
    """How far along a parcel's life a status is; a word that we do not know stands on the way."""
    return _LIFE.get(word, _LIFE["IN_TRANSIT"])


def delay(code: str) -> tuple[Reason, Meaning]:
    """The reason that a delay code stands for, and what it makes of the status it comes with."""
    party, text = _REASONS.get(code, (Party.UNKNOWN, f"Reason {code}"))
    return Reason(code, text, party), _OUTCOMES.get(code, STATUSES[DELAYED])
