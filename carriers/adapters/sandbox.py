"""The sandbox: a courier without a network or a key, whose parcels live on a clock.

`SHIP24_SAMPLE_<MILESTONE>_nnn` stands at that milestone from the start. `SANDBOX_LIFE_<seconds>S_nnn` takes
one step every so many seconds, from the tracker's creation until it is delivered.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from carriers import identity, ordering, reading, refusals
from carriers.adapter import Adapter, Answer, Client, Confidence, Query
from carriers.exceptions import BadResponse
from carriers.moments import Clock
from carriers.snapshot import Party, Reason, Scan, ShipmentFacts, Snapshot
from events.statuses import Milestone, StatusCode

_SAMPLE = re.compile(rf"SHIP24_SAMPLE_({'|'.join(Milestone).upper()})_[A-Za-z0-9]{{3}}")
_LIFE = re.compile(r"SANDBOX_LIFE_([1-9]\d{0,5})S_[A-Za-z0-9]{3}", re.ASCII)


class _Step(NamedTuple):
    text: str
    location: str | None
    status: StatusCode | None
    milestone: Milestone
    reason: Reason | None = None


_MAP: Mapping[str | None, _Step] = MappingProxyType(
    {
        "ORDERED": _Step(
            "The sender has announced the parcel",
            None,
            StatusCode.DATA_ORDER_CREATED,
            Milestone.INFO_RECEIVED,
        ),
        "HANDED_OVER": _Step(
            "Handed over to the courier", "Springfield", StatusCode.TRANSIT_HANDOVER, Milestone.IN_TRANSIT
        ),
        "ON_THE_WAY": _Step("On the way to the depot", "Halfway", None, Milestone.IN_TRANSIT),
        "ARRIVED": _Step(
            "Arrived at the depot", "Shelbyville", StatusCode.DESTINATION_ARRIVAL, Milestone.IN_TRANSIT
        ),
        "ON_THE_VAN": _Step(
            "Out for delivery",
            "Shelbyville",
            StatusCode.DELIVERY_OUT_FOR_DELIVERY,
            Milestone.OUT_FOR_DELIVERY,
        ),
        "NOBODY_THERE": _Step(
            "Nobody there",
            "Shelbyville",
            StatusCode.DELIVERY_ATTEMPTED,
            Milestone.FAILED_ATTEMPT,
            Reason("NOBODY_THERE", "Nobody answered the door", Party.CONSIGNEE),
        ),
        "AT_THE_SHOP": _Step(
            "Waiting at the parcel shop",
            "Shelbyville",
            StatusCode.DELIVERY_AVAILABLE_FOR_PICKUP,
            Milestone.AVAILABLE_FOR_PICKUP,
        ),
        "DELIVERED": _Step("Delivered", "Shelbyville", StatusCode.DELIVERY_DELIVERED, Milestone.DELIVERED),
        "RETURNED": _Step(
            "Returned to the sender", "Springfield", StatusCode.EXCEPTION_RETURN, Milestone.EXCEPTION
        ),
    }
)
_FINAL = frozenset({"DELIVERED", "RETURNED"})

_TO_THE_DEPOT = ("ORDERED", "HANDED_OVER", "ON_THE_WAY", "ARRIVED")
_HISTORIES: Mapping[Milestone, Sequence[str]] = MappingProxyType(
    {
        Milestone.INFO_RECEIVED: ("ORDERED",),
        Milestone.IN_TRANSIT: ("ORDERED", "HANDED_OVER", "ON_THE_WAY"),
        Milestone.OUT_FOR_DELIVERY: (*_TO_THE_DEPOT, "ON_THE_VAN"),
        Milestone.FAILED_ATTEMPT: (*_TO_THE_DEPOT, "ON_THE_VAN", "NOBODY_THERE"),
        Milestone.AVAILABLE_FOR_PICKUP: (*_TO_THE_DEPOT, "ON_THE_VAN", "NOBODY_THERE", "AT_THE_SHOP"),
        Milestone.DELIVERED: (*_TO_THE_DEPOT, "ON_THE_VAN", "DELIVERED"),
        Milestone.EXCEPTION: (*_TO_THE_DEPOT, "ON_THE_VAN", "NOBODY_THERE", "RETURNED"),
    }
)
#: Time between two steps of a sample's past; the last was an hour before the tracker was created.
_PAST_STEP = timedelta(hours=7)
_LIFE_STEPS = ("ORDERED", "HANDED_OVER", "ARRIVED", "ON_THE_VAN", "DELIVERED")


class Sandbox(Adapter):
    """A courier to try things with."""

    code = "sandbox"
    name = "Sandbox"
    needs_account = False
    looks_like = takes = re.compile(rf"^(?:{_SAMPLE.pattern}|{_LIFE.pattern})$", re.ASCII)
    confidence = Confidence.FORMAT
    form = "SHIP24_SAMPLE_<milestone>_nnn or SANDBOX_LIFE_<seconds>S_nnn"
    alone = True
    poll_every = timedelta(seconds=5)
    source: ClassVar[str] = "sandbox-tracking"

    def ask(self, query: Query, client: Client) -> Answer:
        """Answer from the clock: nothing is sent."""
        parcel = _sample(query) or _living(query)
        if parcel is None:
            return Answer(404, {}, b'{"error": "no such parcel"}')
        return Answer(200, {}, json.dumps(parcel).encode())

    def parse(self, answer: Answer, query: Query) -> Snapshot:
        if answer.status != 200:
            raise refusals.of_status(
                answer.status, answer, query.asked_at, f"The sandbox answered {answer.status}"
            )
        parcel = reading.document(answer.body)
        if not isinstance(parcel.get("scans"), list) or parcel.get("number") != query.number:
            raise BadResponse("The sandbox's answer holds no scans of this parcel")
        clock = Clock(UTC)
        items = reading.entries(parcel["scans"], "scans")
        scans, set_aside = reading.readable(items, "a scan", lambda item: self._scan(item, clock))
        scans.sort(key=lambda scan: scan.placed or ordering.LAST)
        return Snapshot(
            courier=self.code,
            scans=identity.keyed(ordering.ranked(scans)),
            shipment=ShipmentFacts(estimated_to=clock.read_or_none(parcel.get("expected"))),
            unmapped=ordering.unmapped(scans),
            set_aside=tuple(set_aside),
            part=reading.to_store(parcel),
        )

    def _scan(self, item: Mapping[str, Any], clock: Clock) -> Scan:
        """Raises ValueError for a time that cannot be read."""
        code = reading.text(item.get("code"))
        step = _MAP.get(code)
        moment = clock.read(item.get("time"))
        return Scan(
            key="",
            courier=self.code,
            source=self.source,
            moment=moment,
            placed=moment.instant,
            rank=0,
            carrier_code=code,
            text=reading.text(item.get("text")) or code or "",
            location=reading.text(item.get("location")),
            status_code=step.status if step else None,
            milestone=step.milestone if step else None,
            reason=step.reason if step else None,
            final=code in _FINAL,
        )


def _sample(query: Query) -> dict[str, Any] | None:
    """A parcel whose past is over: the same at every poll of one tracker. None for PENDING."""
    found = _SAMPLE.fullmatch(query.number)
    codes = _HISTORIES.get(Milestone(found[1].lower())) if found else None
    if codes is None:
        return None
    last = query.since - timedelta(hours=1)
    times = [last - _PAST_STEP * back for back in reversed(range(len(codes)))]
    return _parcel(query.number, zip(codes, times, strict=True), expected=last + timedelta(days=1))


def _living(query: Query) -> dict[str, Any] | None:
    """A parcel as far along its life as the clock is."""
    found = _LIFE.fullmatch(query.number)
    if found is None:
        return None
    every = timedelta(seconds=int(found[1]))
    steps = max((query.asked_at - query.since) // every, 0) + 1
    times = [query.since + every * step for step in range(len(_LIFE_STEPS))]
    happened = list(zip(_LIFE_STEPS, times, strict=True))[:steps]
    return _parcel(query.number, happened, expected=times[-1])


def _parcel(number: str, happened: Any, expected: datetime) -> dict[str, Any]:
    return {
        "number": number,
        "expected": _written(expected),
        "scans": [
            {"time": _written(time), "code": code, "text": _MAP[code].text, "location": _MAP[code].location}
            for code, time in happened
        ],
    }


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
