"""A carrier's whole answer for one number at one moment, in our words."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from events.statuses import Milestone, StatusCode


class Certainty(StrEnum):
    """How sure the instant of a moment is."""

    #: UTC as sent; the place's own zone is unknown.
    EXACT = "exact"
    #: Local time that was sent with its offset.
    OFFSET_KNOWN = "offset_known"
    #: Local time; the offset is taken from elsewhere in the answer.
    OFFSET_ASSUMED = "offset_assumed"
    #: Local time; the zone is that of the country it names for its place, or the carrier account's.
    ZONE_ASSUMED = "zone_assumed"
    #: A day without a time.
    DATE_ONLY = "date_only"
    #: No date at all.
    UNKNOWN = "unknown"


class Party(StrEnum):
    """Who caused a delay and can act on it."""

    CONSIGNEE = "consignee"
    SENDER = "sender"
    CARRIER = "carrier"
    WEATHER = "weather"
    UNKNOWN = "unknown"


class Moment(NamedTuple):
    """A carrier's time: the text as sent, the best instant (UTC, None where there is none), its certainty.

    `written` is the API form: with offset or Z where the offset is known or assumed, without where only the
    zone is assumed, the day alone for a date. `wall` is the wall clock normalised to ISO to the second; it
    identifies a scan and stays the same when our idea of the zone improves.
    """

    text: str | None
    instant: datetime | None
    certainty: Certainty
    written: str | None
    wall: str | None


NO_MOMENT = Moment(text=None, instant=None, certainty=Certainty.UNKNOWN, written=None, wall=None)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a delivery is late or failed, and who can act on it."""

    code: str
    text: str
    party: Party


@dataclass(frozen=True, slots=True)
class Scan:
    """One fact a carrier reports.

    `key` identifies it for ever within its tracker (`carriers.identity` makes it). `supersedes` is the key of
    the timeless scan that this one brings the time for. `placed` is where it stands in the list: its instant
    (of a day alone perhaps a later one on that day), or its older neighbour's where it has none, or None for
    "when first seen". `rank` orders scans of one
    instant, older first. `milestone` None leaves the parcel's milestone as it is. `final` is true of a word
    after which the carrier has no other: then the parcel is watched more slowly.
    """

    key: str
    courier: str
    source: str
    moment: Moment
    placed: datetime | None
    rank: int
    carrier_code: str | None
    text: str
    location: str | None = None
    status_code: StatusCode | None = None
    milestone: Milestone | None = None
    reason: Reason | None = None
    raw: dict[str, Any] = field(default_factory=dict)
    supersedes: str | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class ShipmentFacts:
    """What a carrier says of the parcel as a whole; nothing personal. `details` holds decimals as text."""

    estimated_from: Moment | None = None
    estimated_to: Moment | None = None
    service: str | None = None
    origin_country_code: str | None = None
    destination_country_code: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PersonalFacts:
    """What must stay out of the log: who gets the parcel, who signed, pictures. Kept apart and erasable."""

    recipient: dict[str, Any] | None = None
    sender: dict[str, Any] | None = None
    signed_by: str | None = None
    confirm_image: str | None = None


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A carrier's code that our map does not hold yet, with one text it came with."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One answer, parsed. Scans oldest first. `part` is this number's own part of the answer, for storing.

    It is as sent, save that numbers with a fraction are strings, and that what no database takes is replaced
    (`carriers.reading`). `set_aside` has a short text for each scan that could not be read, naming what was
    sent in its place as far as that is a time, a code or a JSON type; nothing personal. `ignored` counts the
    orders of other numbers in the answer. `partial` is true of what tells some scans only, as a push does:
    what it leaves out is not gone.
    """

    courier: str
    scans: tuple[Scan, ...]
    shipment: ShipmentFacts = ShipmentFacts()
    personal: PersonalFacts = PersonalFacts()
    unmapped: tuple[Unmapped, ...] = ()
    set_aside: tuple[str, ...] = ()
    ignored: int = 0
    part: Any = None
    partial: bool = False
