"""all24: order tracking by `hs_order_ref`. An answer is an object keyed by order, each with its history."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from carriers import moments, ordering, reading, refusals
from carriers.adapter import Adapter, Answer, Client, Confidence, Query, Request
from carriers.exceptions import BadResponse, NotFoundYet
from carriers.identity import Naming
from carriers.moments import Clock
from carriers.snapshot import Moment, PersonalFacts, Scan, ShipmentFacts, Snapshot
from carriers.words import all24 as words

_CODE_LENGTH = 6
#: Characters from which on a name or an address inside a longer text is no accident.
_TELLING = 5
#: What an error without a status of its own is: "the parameters were valid but the request failed".
_REQUEST_FAILED = 402


class All24(Adapter):
    """The client of all24's `/v1/tracking/orders`."""

    code = "all24"
    name = "all24"
    website = "https://all24.com"
    country_code = "TH"
    default_base_url = "https://api.all24.com"
    time_zone = "Asia/Bangkok"
    looks_like = re.compile(r"^HS[A-Z0-9]{6}$")
    confidence = Confidence.FORMAT
    form = "HS, then six capitals or digits"
    source: ClassVar[str] = "all24-tracking"

    def ask(self, query: Query, client: Client) -> Answer:
        base = (query.credentials.base_url or self.default_base_url).rstrip("/")
        headers = {"HS-Api-Key": query.credentials.key, "Accept": "application/json"}
        return client.send(Request(f"{base}/v1/tracking/orders", {"hs_order_ref": query.number}, headers))

    def parse(self, answer: Answer, query: Query) -> Snapshot:
        """Read the order that was asked for; others in the answer are counted, never attached to it."""
        if answer.status != 200:
            raise refusals.of_status(answer.status, answer, query.asked_at, _said(answer.status, answer.body))
        document = reading.document(answer.body)
        _raise_for_envelope(document, answer, query.asked_at)
        orders = {key: value for key, value in document.items() if key not in words.ENVELOPE}
        order = orders.pop(query.number, None)
        if order is None and words.ENVELOPE.isdisjoint(document):
            raise BadResponse("all24's answer holds neither the order nor its own envelope")
        if order is None:
            raise NotFoundYet("all24 answered without the order that was asked for")
        if not isinstance(order, dict) or not isinstance(order.get("history"), list):
            raise BadResponse("all24's answer holds the order without a history")
        if reading.text(order.get("hs_order_ref")) not in {None, query.number}:
            raise NotFoundYet("all24 answered with another order's reference")
        return self._snapshot(order, len(orders), query)

    def answer_of(self, part: object, query: Query) -> Answer:
        return super().answer_of({"response_code": 200, query.number: part}, query)

    def _snapshot(self, order: dict[str, Any], others: int, query: Query) -> Snapshot:
        clock = Clock(
            moments.zone_named(query.credentials.time_zone, self.time_zone),
            moments.offset_of(reading.text(order.get("origin_order_date"))),
        )
        parties = _parties(_party(order.get("sender_location")), _party(order.get("recipient_location")))
        # Newest first, as all24 documents: equal times keep that order, all others are told by themselves.
        events = reversed(reading.entries(order["history"], "history"))
        timed, set_aside = reading.readable(
            events, "an event", lambda event: (clock.read(event.get("event_time")), event)
        )
        scans = self._scans(timed, parties)
        return Snapshot(
            courier=self.code,
            scans=scans,
            shipment=ShipmentFacts(
                estimated_to=clock.read_or_none(order.get("expected_completion")),
                details=_details(order, clock),
            ),
            personal=PersonalFacts(recipient=parties.recipient, sender=parties.sender),
            unmapped=ordering.unmapped(scans),
            set_aside=tuple(set_aside),
            ignored=others,
            part=reading.to_store(order),
        )

    def _scans(self, timed: Sequence["_Timed"], parties: "_Parties") -> tuple[Scan, ...]:
        """The scans of a history, oldest first, each made once: what it is known by is known before."""
        places = ordering.places([moment for moment, _ in timed])
        placed = sorted(zip(places, timed, strict=True), key=lambda one: one[0] or ordering.LAST)
        ranks = ordering.ranks(place for place, _ in placed)
        naming = Naming()
        return tuple(
            self._scan(event, _Standing(moment, place, rank), naming, parties)
            for (place, (moment, event)), rank in zip(placed, ranks, strict=True)
        )

    def _scan(
        self, event: Mapping[str, Any], standing: "_Standing", naming: Naming, parties: "_Parties"
    ) -> Scan:
        code = _code(event.get("event_code"))
        text = reading.text(event.get("event_name")) or code or ""
        meaning = words.CODES.get(code, words.UNKNOWN)
        place = parties.public(event.get("location"))
        reference = reading.text(event.get("location_ref"), reading.KEPT)
        moment = standing.moment
        return Scan(
            key=naming.of(self.code, moment.wall, code or text),
            courier=self.code,
            source=self.source,
            moment=moment,
            placed=standing.place,
            rank=standing.rank,
            carrier_code=code,
            text=text,
            location=", ".join(place.values())[: reading.SHOWN] or None,
            status_code=meaning.status,
            milestone=meaning.milestone,
            raw={"location_ref": reference} | place if reference else place,
            final=meaning.final,
        )


#: An event and when it was.
_Timed = tuple[Moment, Mapping[str, Any]]


class _Standing(NamedTuple):
    """Where an event stands in the history."""

    moment: Moment
    place: datetime | None
    rank: int


@dataclass(frozen=True, slots=True)
class _Parties:
    """Who sends and who gets the parcel: personal, kept out of the scans.

    `names` as texts are compared; `reveals`: whether a text tells one of those, or an address.
    """

    sender: dict[str, Any] | None
    recipient: dict[str, Any] | None
    names: frozenset[str]
    reveals: "_Revealing"

    def public(self, location: object) -> dict[str, str]:
        """The parts of a scan's place, without what is the sender's or the recipient's; none where all is."""
        if not isinstance(location, dict):
            return {}
        told = {
            name: text
            for name in words.PLACE
            if (text := reading.text(location.get(name), reading.KEPT)) is not None
        }
        if not any(map(self.reveals.__getitem__, told.values())):
            return told
        if _alike(told.get("location_name", "")) in self.names:
            return {}
        return {name: text for name, text in told.items() if not self.reveals[text]}


class _Revealing(dict[str, bool]):
    """Texts of one answer, which repeat in its history, and whether they tell one of `own`."""

    def __init__(self, own: Collection[str]) -> None:
        super().__init__()
        self._own = own
        self._telling = [text for text in own if len(text) >= _TELLING]
        self._shortest = min(map(len, self._own), default=0)

    def __missing__(self, text: str) -> bool:
        part = _alike(text)
        found = self[text] = len(part) >= self._shortest and self._tells(part)
        return found

    def _tells(self, part: str) -> bool:
        return part in self._own or any(text in part for text in self._telling)


def _parties(sender: dict[str, Any] | None, recipient: dict[str, Any] | None) -> _Parties:
    parties = [party for party in (sender, recipient) if party]
    names = frozenset(_alike(party["name"]) for party in parties if party["name"])
    addresses = frozenset(_alike(party["address"]) for party in parties if party["address"])
    return _Parties(sender, recipient, names, _Revealing(names | addresses))


def _alike(text: str) -> str:
    """A text as it is compared: carriers write one name in many ways."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(plain.casefold().split())


def _details(order: Mapping[str, Any], clock: Clock) -> dict[str, str]:
    """The merchant's reference, and when the order was placed."""
    ordered = clock.read_or_none(order.get("origin_order_date"))
    found = {
        "order_ref_id": reading.text(order.get("order_ref_id")),
        "origin_order_date": ordered.written if ordered else None,
    }
    return {name: text for name, text in found.items() if text}


def _party(location: object) -> dict[str, Any] | None:
    if not isinstance(location, dict):
        return None
    party = {
        "name": reading.text(location.get("location_name")),
        "address": reading.text(location.get("addressline1")),
        "postCode": reading.text(location.get("postcode")),
        "city": reading.text(location.get("service_area")),
        "subdivision": None,
    }
    return party if any(party.values()) else None


def _code(value: object) -> str | None:
    """Codes are six digits; one sent as a JSON number has lost its leading zero."""
    text = reading.text(value)
    return text.zfill(_CODE_LENGTH) if text and not isinstance(value, str) else text


def _raise_for_envelope(document: Mapping[str, Any], answer: Answer, asked_at: datetime) -> None:
    """A 200 may carry an error inside: it counts as an answer of that status."""
    named = _error_codes(document)
    status = _status(document.get("response_code"))
    if status == 200 and named:
        codes = [reading.text(code) or "" for code in named]
        status = next(
            (int(code) for code in codes if re.fullmatch(r"[45]\d\d", code, re.ASCII)), _REQUEST_FAILED
        )
    if status != 200:
        raise refusals.of_status(status, answer, asked_at, _said(status, answer.body))


def _status(response_code: object) -> int:
    """Absent, the orders beside it speak for themselves."""
    text = "200" if response_code is None else reading.text(response_code) or ""
    if not re.fullmatch(r"[1-5]\d\d", text, re.ASCII):
        raise BadResponse(f"all24's response_code is {reading.named(response_code)}")
    return int(text)


def _error_codes(document: Mapping[str, Any]) -> list[object]:
    named = document.get("error_codes") or []
    return named if isinstance(named, list) else [named]


def _said(status: int, body: bytes) -> str:
    """The error in words: its status and the codes that the body names, as far as they are codes."""
    try:
        codes = _error_codes(reading.document(body))
    except BadResponse:
        codes = []
    named = ", ".join(list(filter(None, map(reading.token, codes)))[:5])
    return f"all24 answered {status}: {named}" if named else f"all24 answered {status}"
