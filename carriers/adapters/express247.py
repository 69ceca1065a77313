"""247Express: order tracking by `ordercode`. Its page shows no example body, so many forms are taken."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

from carriers import identity, moments, ordering, reading, refusals
from carriers.adapter import Adapter, Answer, Client, Query, Request
from carriers.entries import Entry, merged, on_its_day
from carriers.exceptions import BadResponse, CarrierError, KeyExhausted
from carriers.moments import Clock
from carriers.snapshot import NO_MOMENT, Moment, PersonalFacts, Scan, ShipmentFacts, Snapshot
from carriers.words import express247 as words

HOME = ZoneInfo("Asia/Ho_Chi_Minh")

_NUMBERS = (
    "length", "width", "height", "realWeight", "calWeight", "weight", "quantity", "price", "priceFR",
    "farRegionFeeAmount", "fuelFeeAmount", "vatAmount", "totalServiceCost",
)  # fmt: skip
_TEXTS = ("mailerTypeID", "delayCode", "delayNote", "deliveryNotes")
#: The fields of an order: any of them may be absent.
_FIELDS = frozenset(
    (
        *_NUMBERS, *_TEXTS, "orderCode", "status", "statusName", "deliveryDate", "receiverName", "priceInfo",
        "statuses", "trackings", "estimateRoutes", "confirmImage", "acceptDate",
    )
)  # fmt: skip


class _Form(NamedTuple):
    """How one of the two lists spells an entry. `names`: first the status, last its best text."""

    field: str
    time: str
    names: tuple[str, ...]
    place: tuple[str, ...]
    raw: tuple[str, ...]


_STATUSES = _Form("statuses", "time", ("status", "statusName", "trackingName"), (), ("status", "statusName"))
_TRACKINGS = _Form(
    "trackings",
    "dateChange",
    ("statusID", "statusName"),
    ("postOfficeName", "provinceName"),
    ("statusID", "postOfficeID", "postOfficeName", "provinceID", "provinceName", "notes"),
)


class Express247(Adapter):
    """The client of 247Express's `/api/Order/v1/Tracking`."""

    code = "247express"
    name = "247Express"
    website = "https://247express.vn"
    country_code = "VN"
    default_base_url = "https://tracking.247express.vn"
    time_zone = HOME.key
    #: The seed's "Maximum request" of a key, and of the service.
    daily_quota = 200_000
    service_quota = 3_000_000
    looks_like = takes = re.compile(r"^[A-Za-z0-9_-]{5,20}$")
    source: ClassVar[str] = "247express-tracking"

    def ask(self, query: Query, client: Client) -> Answer:
        base = (query.credentials.base_url or self.default_base_url).rstrip("/")
        params = {"ordercode": query.number, "apikey": query.credentials.key}
        return client.send(Request(f"{base}/api/Order/v1/Tracking", params, {"Accept": "application/json"}))

    def parse(self, answer: Answer, query: Query) -> Snapshot:
        order = _order(answer, query)
        zone = moments.zone_named(query.credentials.time_zone, self.time_zone)
        clock = Clock(zone, day_first=True, home=HOME)
        statuses, unread = _read(order.get("statuses"), _STATUSES, clock)
        trackings, unread_too = _read(order.get("trackings"), _TRACKINGS, clock)
        listed = merged(statuses, trackings)
        entries = sorted([*listed, *_own(order, clock, listed)], key=lambda entry: entry.place)
        scans = identity.keyed(ordering.ranked(map(self._scan, entries)))
        return Snapshot(
            courier=self.code,
            scans=_delayed(identity.superseding(scans), _delay_code(order)),
            shipment=_shipment(order, clock),
            personal=PersonalFacts(
                signed_by=reading.text(order.get("receiverName")),
                confirm_image=reading.lines(order.get("confirmImage")),
            ),
            unmapped=ordering.unmapped(scans),
            set_aside=(*unread, *unread_too),
            part=reading.to_store(order),
        )

    def _scan(self, entry: Entry) -> Scan:
        meaning = words.STATUSES.get(entry.code, words.UNKNOWN)
        return Scan(
            key=entry.key,
            courier=self.code,
            source=self.source,
            moment=entry.moment,
            placed=entry.placed,
            rank=0,
            carrier_code=entry.code,
            text=entry.text,
            location=entry.location,
            status_code=meaning.status,
            milestone=meaning.milestone,
            raw=entry.raw,
            final=meaning.final,
        )


def _order(answer: Answer, query: Query) -> dict[str, Any]:
    """The order, once every kind of error is ruled out. An error code counts beside any HTTP status."""
    try:
        order = reading.document(answer.body)
    except BadResponse:
        if answer.status != 200:
            raise _http_error(answer, query) from None
        raise
    _raise_for_code(reading.text(order.get("errorCode")), query)
    if answer.status != 200:
        raise _http_error(answer, query)
    if not _is_order(order):
        raise BadResponse("247Express answered neither an order nor an error code")
    if not _is_code_of(order.get("orderCode"), query.number):
        raise BadResponse("247Express answered with another order")
    return order


def _is_order(order: Mapping[str, Any]) -> bool:
    """One field is enough; beside the text of an error it must tell more than which order that is about."""
    if order.get("errorMessage"):
        return any(order.get(name) for name in _FIELDS - {"orderCode"})
    return not _FIELDS.isdisjoint(order)


def _is_code_of(code: object, number: str) -> bool:
    """Whether an order is the one of this number; a code that came as a JSON number has lost its zeros."""
    named = reading.text(code) or number
    if not isinstance(code, str) and named.isdecimal():
        return named.lstrip("0") == number.lstrip("0")
    return named.casefold() == number.casefold()


def _raise_for_code(code: str | None, query: Query) -> None:
    if code is None or code.casefold() in words.NO_ERROR:
        return
    detail = f"247Express answered {reading.token(code) or 'an error code that is none of its own'}"
    if code.upper() == words.KEY_LIMIT:
        raise KeyExhausted(detail, resting_until=moments.next_midnight(query.asked_at, HOME))
    raise words.ERRORS.get(code.upper(), BadResponse)(detail)


def _http_error(answer: Answer, query: Query) -> CarrierError:
    detail = f"247Express answered {answer.status} without an error code"
    if answer.status == 404:  # an unknown order has a code; this is an unknown page
        return BadResponse(detail)
    return refusals.of_status(answer.status, answer, query.asked_at, detail)


def _read(items: object, form: _Form, clock: Clock) -> tuple[list[Entry], list[str]]:
    """One list, oldest first whichever way it came, and what of it could not be read."""
    found, unread = reading.readable(
        reading.entries(items, form.field),
        f"an entry of {form.field}",
        lambda item: _entry(item, form, clock),
    )
    timed = [entry.moment.instant for entry in found if entry.moment.instant]
    if timed and timed[0] > timed[-1]:
        found.reverse()
    anchors = ordering.anchors([entry.moment for entry in found])
    placed = [
        entry if at is None else entry.beside(found[at]) for entry, at in zip(found, anchors, strict=True)
    ]
    return placed, unread


def _entry(item: Mapping[str, Any], form: _Form, clock: Clock) -> Entry:
    """Raises ValueError where the time is there and cannot be read."""
    names = [name for field in form.names if (name := reading.text(item.get(field)))]
    word = words.named(names)
    code = word or reading.text(item.get(form.names[0]))
    place = filter(None, (reading.text(item.get(field)) for field in form.place))
    return Entry(
        code=code,
        text=names[-1] if names else "",
        known=word is not None,
        moment=clock.read(item.get(form.time)),
        life=words.life(code),
        names=frozenset(name.casefold() for name in [*names, code or ""] if name),
        location=", ".join(place)[: reading.SHOWN] or None,
        raw={name: text for name in form.raw if (text := reading.text(item.get(name), reading.KEPT))},
    )


def _own(order: Mapping[str, Any], clock: Clock, listed: Sequence[Entry]) -> list[Entry]:
    """What the order says of itself and neither list holds yet.

    Its dates of pick-up and delivery fill in those scans, unless its status denies them. A status that is
    nowhere, or has come anew, has no time: it stands where it is first seen. All take timeless keys, so that
    the list's own scan, once it comes, is known to be the same.
    """
    names = [name for field in ("status", "statusName") if (name := reading.text(order.get(field)))]
    own = words.named(names) or (names[0] if names else None)
    held = Counter(entry.word for entry in listed)
    dates = {
        "PICKED_UP": order.get("acceptDate") if own != "ACCEPTED" else None,
        "DELIVERED": order.get("deliveryDate") if own in {None, "DELIVERED"} else None,
    }
    found: list[Entry] = []
    for word, date in dates.items():
        moment = clock.read_or_none(date)
        if moment and word not in held:
            filled = _of_the_order(word, names[-1] if word == own else word, moment)
            older = (entry for entry in (*listed, *found) if _older(entry.code, word))
            found.append(on_its_day(filled, older, clock))
    if own and own not in {entry.code for entry in found} and (own not in held or _anew(own, listed)):
        found.append(_of_the_order(own, names[-1], NO_MOMENT, held[own] + 1))
    return found


def _of_the_order(word: str, text: str, moment: Moment, ordinal: int = 1) -> Entry:
    return Entry(
        code=word,
        text=text,
        moment=moment,
        placed=moment.instant,
        life=words.life(word),
        key=identity.timeless(Express247.code, word, ordinal),
    )


def _older(word: str | None, filled: str) -> bool:
    """Whether a status comes before a pick-up or a delivery of its day: before this, all but a final one."""
    if filled == "DELIVERED":
        return not words.STATUSES.get(word, words.UNKNOWN).final
    return words.life(word) < words.life(filled)


def _anew(own: str, listed: Iterable[Entry]) -> bool:
    """Whether the order's status, which the lists hold already, is a new one that they do not hold yet.

    It may also be an old one, since lists run ahead of it. It is new where the newest status that we know
    has passed it by and may come before it again: a failed attempt, or what is earlier in a parcel's life.
    """
    known = sorted((entry for entry in listed if entry.known), key=lambda entry: entry.place)
    newest = known[-1] if known else None
    if newest is None or newest.placed is None or newest.code == own:
        return False
    if own not in words.REPEATED or words.STATUSES[newest.code].final:
        return False
    return newest.code == words.DELAYED or words.life(own) > words.life(newest.code)


def _delay_code(order: Mapping[str, Any]) -> str | None:
    """The order's delay reason; 0 is a number field that says none."""
    code = reading.text(order.get("delayCode"), 50)
    return (code.lstrip("0") or None) if code and code.isdecimal() else code


def _delayed(scans: list[Scan], code: str | None) -> tuple[Scan, ...]:
    """Give the order's delay reason to its latest scan that can have one."""
    at = max((at for at, scan in enumerate(scans) if scan.carrier_code == words.DELAYED), default=None)
    if code and at is not None:
        reason, meaning = words.delay(code)
        scans[at] = replace(scans[at], status_code=meaning.status, milestone=meaning.milestone, reason=reason)
    return tuple(scans)


def _shipment(order: Mapping[str, Any], clock: Clock) -> ShipmentFacts:
    estimate = clock.latest(order.get("estimateRoutes"))
    told = order.get("priceInfo")
    items = told if isinstance(told, list) else [told]
    # A price is a courtesy: whatever stands there instead costs no scan.
    prices = [_price(item) for item in items[: reading.MAX_ENTRIES] if isinstance(item, dict)]
    services = [price["serviceName"] for price in prices if "serviceName" in price]
    details: dict[str, Any] = {name: reading.decimal(order.get(name)) for name in _NUMBERS}
    details |= {name: reading.text(order.get(name), reading.KEPT) for name in _TEXTS}
    details["estimateRoutes"] = None if estimate else reading.text(order.get("estimateRoutes"))
    details["priceInfo"] = prices
    return ShipmentFacts(
        estimated_to=estimate,
        service=services[0] if len(services) == 1 else None,
        details={name: value for name, value in details.items() if value},
    )


def _price(item: Mapping[str, Any]) -> dict[str, str]:
    found = {
        "serviceName": reading.text(item.get("serviceName")),
        "serviceID": reading.text(item.get("serviceID")),
        "cost": reading.decimal(item.get("cost")),
    }
    return {name: value for name, value in found.items() if value}
