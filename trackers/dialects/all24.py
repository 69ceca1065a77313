"""all24's `GET /v1/tracking/orders`, answered from our own log for the merchant whose key it is."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.core.exceptions import SuspiciousOperation
from django.db.models import Q
from django.http import JsonResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import Caller, caller_of_key
from accounts.models import Scope
from accounts.throttling import take
from carriers.words import all24 as words
from trackers.milestones import ScanEntry, timeline
from trackers.models import PersonalData, Tracker

logger = logging.getLogger(__name__)

COURIER = "all24"
#: Orders of one answer.
MOST = 100
#: The offset of an order whose carrier told none: Asia/Bangkok's.
HOME = timezone(timedelta(hours=7))
_ERRORS: Mapping[int, str] = MappingProxyType(
    {
        400: "missing_parameter",
        401: "invalid_api_key",
        404: "order_not_found",
        405: "method_not_allowed",
        429: "too_many_requests",
        500: "server_error",
    }
)
_SURE = frozenset({"offset_known", "offset_assumed"})


class Refusal(Exception):  # noqa: N818 (an answer, not a fault)
    """An answer of all24's that is an error of this HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class OrdersView(APIView):
    """`/v1/tracking/orders`."""

    authentication_classes = ()
    permission_classes = ()
    http_method_names = ["get", "head"]
    _headers: Mapping[str, str] = MappingProxyType({})

    def get(self, request: Request) -> JsonResponse:
        """The orders that all given parameters name, keyed by their reference."""
        caller = _caller(request.headers.get("HS-Api-Key", ""))
        allowance = take(caller, COURIER)
        self._headers = allowance.headers
        if not allowance.allowed:
            raise Refusal(429)
        found = _found(caller.merchant_id, request.query_params)
        if not found:
            raise Refusal(404)
        personal = PersonalData.objects.in_bulk([tracker.id for tracker in found])
        orders = {one.tracking_number: order_shape(one, personal.get(one.id)) for one in found}
        return self._answer(orders | {"response_code": 200, "error_codes": []}, 200)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: FBT001, FBT002
        """JSON, whatever `Accept` says."""
        return super().perform_content_negotiation(request, force=True)

    def handle_exception(self, exc: Exception) -> Any:
        """Every error in all24's shape, faults of ours too."""
        match exc:
            case Refusal():
                status = exc.status
            case exceptions.MethodNotAllowed():
                status = 405
            case SuspiciousOperation() | exceptions.APIException():
                status = 400
            case _:
                logger.error("an all24 call failed", exc_info=exc)
                status = 500
        body = {"response_code": status, "error_codes": [_ERRORS[status]]}
        return self._answer(body, status)

    def _answer(self, body: Mapping[str, Any], status: int) -> JsonResponse:
        return JsonResponse(body, status=status, headers=dict(self._headers))


def _caller(key: str) -> Caller:
    caller = caller_of_key(key) if key else None
    if caller is None or Scope.ALL24 not in caller.scopes:
        raise Refusal(401)
    return caller


def _found(merchant_id: UUID, given: Mapping[str, str]) -> list[Tracker]:
    """Trackers that fit all that is given, newest first. Of several with one number the newest subscribed.

    A number or an order is one parcel; only the seller's reference alone may name more. Raises Refusal(400).
    """
    asked = {name: value for name in _MEANINGS if (value := given.get(name))}
    if not asked:
        raise Refusal(400)
    if any("\x00" in value for value in asked.values()):
        return []  # no text of the database's holds one
    fitting = Tracker.objects.filter(
        *(_MEANINGS[name](value) for name, value in asked.items()), merchant_id=merchant_id
    ).exclude(tracking_number__in=words.ENVELOPE)
    best = ("-is_subscribed", "-created_at", "-id")
    if asked.keys() != {"customer_ref"}:
        return list(fitting.order_by(*best)[:1])
    each = fitting.order_by("tracking_number", *best).distinct("tracking_number")
    return list(Tracker.objects.filter(id__in=each.values("id")).order_by("-created_at", "-id")[:MOST])


def _order(reference: str) -> Q:
    named = Q(client_tracker_id=reference)
    try:
        return named | Q(id=UUID(reference))
    except ValueError:
        return named


_MEANINGS: Mapping[str, Callable[[str], Q]] = MappingProxyType(
    {
        "hs_order_ref": lambda number: Q(tracking_number=number),
        "tracking_ref": _order,
        "customer_ref": lambda reference: Q(shipment_reference=reference),
    }
)


def order_shape(tracker: Tracker, personal: PersonalData | None) -> dict[str, Any]:
    """One order. Unknown text is ""; all times are of one offset, that of `origin_order_date`."""
    steps = timeline(tracker.state["scans"])
    scans = [step.scan for step in steps]
    offset = _offset(tracker, scans)
    given = personal.given_recipient if personal else None
    return {
        "origin_order_date": _ordered(tracker, scans, offset),
        "order_ref_id": tracker.client_tracker_id or tracker.shipment_reference or "",
        "hs_order_ref": tracker.tracking_number,
        "expected_completion": _expected(tracker, offset),
        "sender_location": _party(personal.sender if personal else None),
        "recipient_location": _party(personal.recipient if personal else None, given),
        "history": [_event(step.scan, step.says, offset) for step in reversed(steps)],
    }


def event_code(scan: ScanEntry, milestone: str) -> str:
    """The carrier's own where that is all24, also one that we do not know; else the nearest."""
    own = scan["carrierEventCode"] if scan["courierCode"] == COURIER else None
    return own or words.BY_STATUS.get(scan["statusCode"]) or words.BY_MILESTONE[milestone]


def _event(scan: ScanEntry, milestone: str, offset: timezone) -> dict[str, Any]:
    raw = scan["raw"] if scan["courierCode"] == COURIER else {}
    place = {name: raw.get(name, "") for name in words.PLACE}
    if not any(place.values()):
        place["location_name"] = scan["location"] or ""
    return {
        "event_time": _time(scan, offset),
        "event_name": scan["status"],
        "event_code": event_code(scan, milestone),
        "location_ref": raw.get("location_ref", ""),
        "location": place,
    }


def _time(scan: ScanEntry, offset: timezone) -> str:
    """`2015-08-18 12:02:00`; of a day alone its first second, "" without any time."""
    match scan["timeCertainty"]:
        case "unknown":
            return ""
        case "date_only":
            return f"{scan['occurrenceDatetime']} 00:00:00"
    return _at(_instant(scan), offset).replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def _offset(tracker: Tracker, scans: list[ScanEntry]) -> timezone:
    """The order's: as all24 wrote its date, else as its oldest scan that has one; assumed zones come last.

    The oldest, so that what was answered once stays the same while the parcel travels.
    """
    own = _moment(_details(tracker).get("origin_order_date"))
    if own and isinstance(own.tzinfo, timezone):
        return own.tzinfo
    sure = (_ahead(scan) for scan in scans if scan["timeCertainty"] in _SURE)
    assumed = (_ahead(scan) for scan in scans if scan["timeCertainty"] == "zone_assumed")
    return next((found for one in (sure, assumed) for found in one if found), HOME)


def _ahead(scan: ScanEntry) -> timezone | None:
    """How far the scan's wall clock is ahead of UTC; None for what no offset can be, to the minute."""
    wall = datetime.fromisoformat(scan["occurrenceDatetime"]).replace(tzinfo=UTC)
    ahead = wall - _instant(scan)
    return timezone(ahead) if abs(ahead) < timedelta(days=1) and not ahead.seconds % 60 else None


def _ordered(tracker: Tracker, scans: list[ScanEntry], offset: timezone) -> str:
    """When the order was placed: as all24 says, else its oldest scan with a time, else when it came to us."""
    own = _moment(_details(tracker).get("origin_order_date"))
    if own:
        return _written(own, offset)
    timed = (_instant(scan) for scan in scans if scan["timeCertainty"] not in {"unknown", "date_only"})
    return _written(next(timed, tracker.created_at).replace(microsecond=0), offset)


def _expected(tracker: Tracker, offset: timezone) -> str:
    """The estimate; a day alone ends with that day."""
    told = (facts.get("estimatedTo") for _, facts in sorted(tracker.state["shipments"].items()))
    text = next(filter(None, told), None)
    if text and len(text) == len("2015-08-19"):
        return _written(datetime.combine(date.fromisoformat(text), time(23, 59, 59)), offset)
    moment = _moment(text)
    return _written(moment, offset) if moment else ""


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _written(moment: datetime, offset: timezone) -> str:
    """With the order's offset, which a moment without one is taken to have."""
    return (_at(moment, offset) if moment.tzinfo else moment.replace(tzinfo=offset)).isoformat()


def _at(moment: datetime, offset: timezone) -> datetime:
    try:
        return moment.astimezone(offset)
    except OverflowError:  # in the first and last hours that there are
        return moment


def _instant(scan: ScanEntry) -> datetime:
    return datetime.fromisoformat(scan["placedAt"])


def _details(tracker: Tracker) -> dict[str, Any]:
    facts = tracker.state["shipments"].get(COURIER)
    details: dict[str, Any] = facts["details"] if facts else {}
    return details


def _party(told: Mapping[str, Any] | None, given: Mapping[str, Any] | None = None) -> dict[str, str]:
    told = told or {}
    return {
        "location_name": told.get("name") or (given or {}).get("name") or "",
        "addressline1": told.get("address") or "",
        "service_area": told.get("city") or "",
        "postcode": told.get("postCode") or "",
    }
