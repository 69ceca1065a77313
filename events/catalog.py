"""The event types, as frozen facts. What a fact's `data` holds is what the change feed shows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(ABC):
    """Something that happened to one stream. `key` names it once and for ever within that stream."""

    type: ClassVar[str]

    @property
    @abstractmethod
    def key(self) -> str:
        """At most 255 characters, unique within the stream."""

    @property
    def moment(self) -> datetime | None:
        """The carrier's own moment of the fact, where it has one."""
        return None

    def data(self) -> dict[str, Any]:
        """The fact's fields in camelCase; they are JSON already. Those that begin with _ stay out."""
        names, values = _reading(type(self))
        return dict(zip(names, values(self), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerCreated(Fact):
    """A merchant asked to follow a parcel. Holds what it sent, but nothing personal."""

    type: ClassVar[str] = "tracker.created"
    tracking_number: str
    courier_code: list[str]
    shipment_reference: str | None
    client_tracker_id: str | None
    origin_country_code: str | None
    destination_country_code: str | None
    destination_post_code: str | None
    shipping_date: str | None
    courier_name: str | None
    tracking_url: str | None
    order_number: str | None
    title: str | None

    @property
    def key(self) -> str:
        return "created"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerUpdated(Fact):
    """Its merchant changed its wishes: `changed` names which; each that may change is told as it is now."""

    type: ClassVar[str] = "tracker.updated"
    changed: list[str]
    courier_code: list[str]
    origin_country_code: str | None
    destination_country_code: str | None
    destination_post_code: str | None
    shipping_date: str | None
    _count: int

    @property
    def key(self) -> str:
        return f"updated:{self._count}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerStopped(Fact):
    """Parcelwire stopped asking: by its schedule, or `unsubscribed` or `deleted` by the merchant."""

    type: ClassVar[str] = "tracker.stopped"
    reason: str
    _count: int

    @property
    def key(self) -> str:
        return f"stopped:{self._count}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerRestarted(Fact):
    """Parcelwire asks again, as its merchant wished."""

    type: ClassVar[str] = "tracker.restarted"
    _count: int

    @property
    def key(self) -> str:
        return f"restarted:{self._count}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerErased(Fact):
    """What is personal about the parcel was erased, and none is kept from then on."""

    type: ClassVar[str] = "tracker.erased"
    #: There is one of a tracker at most.
    KEY: ClassVar[str] = "erased"

    @property
    def key(self) -> str:
        return self.KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingStalled(Fact):
    """Carriers were asked and told nothing new for longer than is usual at this milestone.

    `silent_since` (ISO in UTC) names the silence: each is told once.
    """

    type: ClassVar[str] = "tracking.stalled"
    milestone: str
    silent_since: str

    @property
    def key(self) -> str:
        return f"stalled:{self.silent_since}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFact(Fact):
    """What a scan says. `placed_at` is where it stands in the timeline, as ISO in UTC."""

    scan_key: str
    courier_code: str
    source_code: str
    carrier_event_code: str | None
    status: str
    location: str | None
    occurrence_datetime: str | None
    time_certainty: str
    time_text: str | None
    placed_at: str
    order: int
    status_code: str | None
    status_milestone: str | None
    reason: dict[str, str] | None
    final: bool
    #: Whether it is older than the shipment: of another parcel that had the same number. Counts for nothing.
    quarantined: bool
    raw: dict[str, Any]
    _moment: datetime | None

    @property
    def moment(self) -> datetime | None:
        return self._moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned(ScanFact):
    """A carrier reports something new."""

    type: ClassVar[str] = "tracking.scanned"

    @property
    def key(self) -> str:
        return f"scan:{self.scan_key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanAmended(ScanFact):
    """A carrier changed a known scan. `scan_key` stays the first one; `alias` is the key it now goes by too.

    `changed` names what differs; only a change of time or status is told to subscribers.
    """

    type: ClassVar[str] = "tracking.scan_amended"
    alias: str | None
    changed: list[str]
    count: int

    @property
    def key(self) -> str:
        return f"amended:{self.scan_key}:{self.count}"

    @classmethod
    def moved(cls, told: Mapping[str, Any], placed_at: str, count: int, *, quarantined: bool) -> Self:
        """The same scan as `told` (its data), standing elsewhere in the timeline."""
        same = {field: told[name] for field, name in names_of(ScanFact) if name in told}
        judged = quarantined != told.get("quarantined", False)
        return cls(
            **same | {"placed_at": placed_at, "quarantined": quarantined},
            _moment=None,
            alias=None,
            changed=["placedAt", "quarantined"] if judged else ["placedAt"],
            count=count,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanWithdrawn(Fact):
    """A carrier no longer reports a known scan. One that was `quarantined` counted for nothing before."""

    type: ClassVar[str] = "tracking.scan_withdrawn"
    scan_key: str
    count: int
    quarantined: bool

    @property
    def key(self) -> str:
        return f"withdrawn:{self.scan_key}:{self.count}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentUpdated(Fact):
    """What a carrier says of the parcel: estimate, service, sizes, fees; the whole of it each time."""

    type: ClassVar[str] = "tracking.shipment"
    courier_code: str
    estimated_from: str | None
    estimated_to: str | None
    service: str | None
    origin_country_code: str | None
    destination_country_code: str | None
    details: dict[str, Any]
    count: int

    @property
    def key(self) -> str:
        return f"shipment:{self.courier_code}:{self.count}"


#: What of a scan must change for subscribers to hear of it.
CORRECTIONS = frozenset(
    {"occurrenceDatetime", "statusCode", "statusMilestone", "reason", "withdrawn", "quarantined"}
)


def tells(kind: str, data: Mapping[str, Any]) -> bool:
    """Whether an event of this type is news to subscribers. A carrier that only rewords a place is not.

    Nor is what stays in quarantine. An append that moves the milestone is told whatever its events say by
    themselves: see trackers.fold.
    """
    changed: list[str] = data["changed"] if kind == ScanAmended.type else []
    if data.get("quarantined") and "quarantined" not in changed:
        return False
    return kind != ScanAmended.type or not CORRECTIONS.isdisjoint(changed)


def is_heard(kind: str, data: Mapping[str, Any]) -> bool:
    """Whether an event is a scan of the parcel that was not known as one before: it ends a silence."""
    new = kind == Scanned.type or (kind == ScanAmended.type and "quarantined" in data["changed"])
    return new and not data.get("quarantined", False)


@cache
def names_of(kind: type[Fact]) -> tuple[tuple[str, str], ...]:
    """The fields that a fact's data shows, each with its name there."""
    return tuple((field.name, _camel(field.name)) for field in fields(kind) if not field.name.startswith("_"))


@cache
def _reading(kind: type[Fact]) -> tuple[tuple[str, ...], Callable[[Fact], tuple[Any, ...]]]:
    """The names of what a fact's data shows, and what reads their values."""
    shown = names_of(kind)
    read = [field for field, _ in shown]
    names = tuple(name for _, name in shown)
    if len(read) < 2:
        return names, lambda fact: tuple(getattr(fact, field) for field in read)
    return names, attrgetter(*read)


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.title() for word in tail)
