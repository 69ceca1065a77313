"""Ship24: one account opens its couriers. A tracker of ours is a tracker there, known by our id.

It is asked about, and it calls us with what is new (`unpacked`, `parse_pushed`). Its status codes and
milestones are our words; what is none of them is unmapped.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from carriers import moments, ordering, postal, reading
from carriers.adapter import Adapter, Answer, Client, Credentials, Method, Pushed, Query, Request
from carriers.countries import code_of
from carriers.exceptions import BadResponse, NotFoundYet
from carriers.identity import keyed
from carriers.moments import Clock
from carriers.snapshot import PersonalFacts, Scan, ShipmentFacts, Snapshot, Unmapped
from carriers.words import ship24 as words

_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_RECIPIENT = ("name", "address", "postCode", "city", "subdivision")


class Ship24(Adapter):
    """The client of Ship24's Tracking API v1, per shipment."""

    code = "ship24"
    name = "Ship24"
    website = "https://www.ship24.com"
    default_base_url = "https://api.ship24.com"
    looks_like = takes = re.compile(r"^[A-Za-z0-9_/.-]{5,50}$", re.ASCII)
    form = "5 to 50 letters, digits and -_/."
    check_form = postal.NAME
    per_call = False
    #: Results; taking it up again; making it, and once more without its shipping date; results again.
    most_calls = 5
    closes = True
    pushes = True
    source: ClassVar[str] = "ship24-tracking"

    @staticmethod
    def check(number: str) -> bool:
        return postal.is_right(number)

    def ask(self, query: Query, client: Client) -> Answer:
        """Ask for our tracker's results; make it there, or take it up again, where it is to be followed."""
        there = _There(query.credentials, query.tracker_id, client)
        answer = there.results()
        if not query.follow:
            return answer
        if answer.status == 404 and words.NO_TRACKER in words.codes(answer.body):
            return _made(there, query)
        if answer.status == 200 and _is_archived(answer.body):
            resumed = there.update(is_subscribed=True)
            if resumed.status in {400, 404}:  # its id is free again, or its number cannot be taken up
                return _made(there, query)
            return answer if resumed.status == 200 else resumed
        return answer

    def parse(self, answer: Answer, query: Query) -> Snapshot:
        """Read the one tracking that was asked for; another tracker's is never attached to it."""
        if answer.status != 200:
            raise words.error_of(answer, query.asked_at)
        data = reading.document(answer.body).get("data")
        trackings = data.get("trackings") if isinstance(data, dict) else None
        if not isinstance(trackings, list):
            raise BadResponse("Ship24's answer holds no trackings")
        if not trackings:
            raise NotFoundYet("Ship24 answered without the tracker that was asked for")
        tracking = trackings[0]
        if not isinstance(tracking, dict):
            raise BadResponse("Ship24's answer holds a tracking that is no object")
        _refuse_anothers(tracking, query)
        found = self._snapshot([tracking], query)
        if not (found.scans or found.set_aside) and found.shipment == ShipmentFacts():
            raise NotFoundYet("Ship24 has found nothing for this number yet")
        return replace(found, ignored=len(trackings) - 1, part=reading.to_store(tracking))

    def answer_of(self, part: object, query: Query) -> Answer:
        return super().answer_of({"data": {"trackings": [part]}}, query)

    def close(self, tracker_id: UUID, credentials: Credentials, client: Client) -> None:
        answer = _There(credentials, tracker_id, client).update(is_subscribed=False)
        if answer.status not in {200, 404}:
            raise words.error_of(answer, datetime.now(UTC))

    def unpacked(self, body: bytes) -> list[Pushed]:
        trackings = reading.document(body).get("trackings")
        if not isinstance(trackings, list):
            raise BadResponse("The push holds no trackings")
        told: dict[UUID, list[dict[str, Any]]] = {}
        objects = [one for one in reading.entries(trackings, "trackings") if isinstance(one, dict)]
        for tracking in sorted(objects, key=_generated):
            tracker_id = _tracker_id(tracking)
            if tracker_id is not None and _tells_events(tracking):
                told.setdefault(tracker_id, []).append(tracking)
        return [Pushed(tracker_id, parts, _written(parts[-1])) for tracker_id, parts in told.items()]

    def parse_pushed(self, pushed: Pushed, query: Query) -> Snapshot:
        found = self._snapshot(pushed.parts, query)
        return replace(found, partial=True, part=reading.to_store(list(pushed.parts)))

    def _snapshot(self, parts: Sequence[Mapping[str, Any]], query: Query) -> Snapshot:
        clock = Clock(moments.zone_named(query.credentials.time_zone, self.time_zone))
        shipment = reading.fields(parts[-1].get("shipment"))
        delivery = reading.fields(shipment.get("delivery"))
        facts = _facts(shipment, delivery, clock)
        between = {facts.origin_country_code or "", facts.destination_country_code or ""}
        # Newest first in each part, as Ship24 says.
        events = [
            event for part in parts for event in reversed(reading.entries(part.get("events"), "events"))
        ]
        read, set_aside = reading.readable(
            events,
            "an event",
            lambda event: (self._scan(event, clock, between, query.number), _order(event)),
        )
        scans = keyed(ordering.ranked(_in_order(read)))
        if len(events) > reading.MAX_ENTRIES:
            raise BadResponse(f"The push holds {len(events)} events, more than any parcel has")
        return Snapshot(
            courier=self.code,
            scans=scans,
            shipment=facts,
            personal=PersonalFacts(
                recipient=_recipient(shipment.get("recipient")),
                signed_by=reading.text(delivery.get("signedBy")),
            ),
            unmapped=_unmapped(scans),
            set_aside=tuple(set_aside),
        )

    def _scan(self, event: Mapping[str, Any], clock: Clock, between: Collection[str], number: str) -> Scan:
        """Raises ValueError where the time is there and cannot be read."""
        place = reading.text(event.get("location"))
        there = clock.there(place, between, reading.text(event.get("utcOffset")))
        moment = there.read(event.get("occurrenceDatetime"))
        event_id = reading.text(event.get("eventId"))
        code = reading.text(event.get("statusCode"))
        milestone = reading.text(event.get("statusMilestone"))
        status = words.STATUSES.get(code)
        return Scan(
            key=f"{self.code}|{event_id}" if event_id and _EVENT_ID.fullmatch(event_id) else "",
            courier=self.code,
            source=self.source,
            moment=moment,
            placed=moment.instant,
            rank=0,
            carrier_code=code,
            text=reading.text(event.get("status")) or code or "",
            location=place,
            status_code=status,
            milestone=words.MILESTONES.get(milestone),
            raw=_raw(event, number, milestone),
            final=status in words.FINAL,
        )


class _There:
    """Our tracker at Ship24."""

    def __init__(self, credentials: Credentials, tracker_id: UUID, client: Client) -> None:
        base = (credentials.base_url or Ship24.default_base_url).rstrip("/")
        self._trackers = f"{base}/public/v1/trackers"
        self._id = str(tracker_id)
        self._headers = {"Authorization": f"Bearer {credentials.key}", "Accept": "application/json"}
        self._client = client

    def results(self) -> Answer:
        return self._client.send(
            Request(f"{self._trackers}/{self._id}/results", {"searchBy": "clientTrackerId"}, self._headers)
        )

    def create(self, number: str, hints: Mapping[str, str]) -> Answer:
        """The same again gives the same tracker: a create whose answer was lost may be repeated."""
        body = {"trackingNumber": number, "clientTrackerId": self._id, **hints}
        return self._client.send(Request(self._trackers, {}, self._headers, Method.POST, body))

    def update(self, *, is_subscribed: bool) -> Answer:
        url, body = f"{self._trackers}/{self._id}", {"isSubscribed": is_subscribed}
        by_ours = {"searchBy": "clientTrackerId"}
        return self._client.send(Request(url, by_ours, self._headers, Method.PATCH, body))


def _made(there: _There, query: Query) -> Answer:
    """Make the tracker there, and ask again. A shipping date that is too old for Ship24 is left out."""
    made = there.create(query.number, query.hints)
    if made.status == 400 and words.OUTDATED in words.codes(made.body):
        hints = {name: hint for name, hint in query.hints.items() if name != "shippingDate"}
        made = there.create(query.number, hints)
    return there.results() if made.status in {200, 201} else made


def _is_archived(body: bytes) -> bool:
    """Whether the tracker there says that nobody subscribes to it; what cannot be read is for `parse`."""
    try:
        data = reading.document(body).get("data")
    except BadResponse:
        return False
    trackings = data.get("trackings") if isinstance(data, dict) else None
    first = trackings[0] if isinstance(trackings, list) and trackings else None
    return reading.fields(reading.fields(first).get("tracker")).get("isSubscribed") is False


def _refuse_anothers(tracking: Mapping[str, Any], query: Query) -> None:
    """Our id there decides; where it is not told, the number does."""
    tracker = reading.fields(tracking.get("tracker"))
    told = reading.text(tracker.get("clientTrackerId"))
    if told is not None:
        ours = told.lower() == str(query.tracker_id)
    else:
        ours = (reading.text(tracker.get("trackingNumber")) or "").upper() == query.number.upper()
    if not ours:
        raise BadResponse("Ship24 answered with another tracker")


def _tells_events(tracking: Mapping[str, Any]) -> bool:
    return reading.text(reading.fields(tracking.get("metadata")).get("topic")) in {None, words.EVENTS_TOPIC}


def _generated(tracking: Mapping[str, Any]) -> str:
    """Sorts by when Ship24 wrote it: ISO in UTC, as all its fields that end in At."""
    return reading.text(reading.fields(tracking.get("metadata")).get("generatedAt")) or ""


def _written(tracking: Mapping[str, Any]) -> datetime | None:
    moment = Clock(UTC).read_or_none(_generated(tracking))
    return moment.instant if moment else None


def _tracker_id(tracking: Mapping[str, Any]) -> UUID | None:
    told = reading.text(reading.fields(tracking.get("tracker")).get("clientTrackerId"))
    try:
        return UUID(told) if told else None
    except ValueError:
        return None


def _order(event: Mapping[str, Any]) -> int | None:
    order = event.get("order")
    return order if isinstance(order, int) and not isinstance(order, bool) else None


def _in_order(read: Iterable[tuple[Scan, int | None]]) -> list[Scan]:
    """Oldest first. Of one place, by Ship24's own order where every event has one, else as listed.

    An event that an answer or a push repeats is one, as it was told last.
    """
    once = {scan.key or nth: (scan, order) for nth, (scan, order) in enumerate(read)}
    scans = ordering.placed([scan for scan, _ in once.values()])
    orders = [order for _, order in once.values()]
    counted = [order for order in orders if order is not None]
    ranks = counted if len(counted) == len(orders) else [0] * len(orders)
    found = sorted(zip(scans, ranks, strict=True), key=lambda one: (one[0].placed or ordering.LAST, one[1]))
    return [scan for scan, _ in found]


def _raw(event: Mapping[str, Any], number: str, milestone: str | None) -> dict[str, Any]:
    """Whose courier and which feed Ship24 has it from, the number it was found by, a milestone unknown to us.

    Of the last two what is no news is left out.
    """
    told = {name: reading.text(event.get(name)) for name in ("courierCode", "sourceCode")}
    found_by = reading.text(event.get("eventTrackingNumber"))
    told["eventTrackingNumber"] = found_by if found_by != number else None
    told["statusMilestone"] = milestone if milestone not in words.MILESTONES else None
    return {name: value for name, value in told.items() if value}


def _unmapped(scans: Sequence[Scan]) -> tuple[Unmapped, ...]:
    """Codes and milestones that are no words of ours, each once."""
    found = {one.code: one for one in ordering.unmapped(scans)}
    for scan in scans:
        unknown = [scan.carrier_code] if scan.status_code is None else []
        for word in filter(None, [*unknown, scan.raw.get("statusMilestone")]):
            found.setdefault(word, Unmapped(word, scan.text))
    return tuple(found.values())


def _facts(shipment: Mapping[str, Any], delivery: Mapping[str, Any], clock: Clock) -> ShipmentFacts:
    window = reading.fields(delivery.get("courierEstimatedDeliveryDate"))
    start, end = clock.read_or_none(window.get("from")), clock.read_or_none(window.get("to"))
    if start is None and end is None:
        end = clock.read_or_none(delivery.get("estimatedDeliveryDate"))
    return ShipmentFacts(
        estimated_from=start,
        estimated_to=end,
        service=reading.text(delivery.get("service")),
        origin_country_code=code_of(shipment.get("originCountryCode")),
        destination_country_code=code_of(shipment.get("destinationCountryCode")),
    )


def _recipient(value: object) -> dict[str, Any] | None:
    told = {name: reading.text(reading.fields(value).get(name)) for name in _RECIPIENT}
    return told if any(told.values()) else None
