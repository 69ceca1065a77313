"""247Express's `GET /api/Order/v1/Tracking`, answered from our own log for the merchant whose key it is."""

import json
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import Caller, caller_of_key
from accounts.models import Scope
from accounts.throttling import take
from carriers.words import express247 as words
from events.statuses import StatusCode
from trackers import lookups
from trackers.milestones import ScanEntry, timeline
from trackers.models import PersonalData, Tracker

logger = logging.getLogger(__name__)

COURIER = "247express"
HOME = ZoneInfo("Asia/Ho_Chi_Minh")
SHORTEST, LONGEST = 5, 20
#: The delay codes that are a status of ours.
_DELAYS: Mapping[str | None, str] = MappingProxyType(
    {StatusCode.DELIVERY_REFUSED: "8", StatusCode.DELIVERY_AVAILABLE_FOR_PICKUP: "15"}
)
_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "MISSING_APIKEY": "Missing Apikey.",
        "APIKEY_NOT_FOUND": "Apikey is not found.",
        "APIKEY_LIMIT": "The look-ups of this Apikey are used up for today.",
        "MISSING_ORDERCODE": "Missing Ordercode.",
        "ORDERCODE_MIN_LENGTH": f"OrderCode has less than {SHORTEST} characters.",
        "ORDERCODE_MAX_LENGTH": f"OrderCode has more than {LONGEST} characters.",
        "ORDERCODE_FORMAT_EXCEPTION": "OrderCode has other characters than letters, digits, _ and -.",
        "ORDERCODE_NOT_FOUND": "OrderCode is not found.",
        "EXCEPTION": "The call failed, try again later.",
    }
)
_NUMBERS = (
    "length", "width", "height", "realWeight", "calWeight", "weight", "quantity", "price", "priceFR",
    "farRegionFeeAmount", "fuelFeeAmount", "vatAmount", "totalServiceCost",
)  # fmt: skip
_FIELDS = (
    "errorMessage", "errorCode", "orderCode", "status", "statusName", "delayCode", "delayNote",
    "deliveryNotes", "deliveryDate", "receiverName", "mailerTypeID", *_NUMBERS, "priceInfo", "statuses",
    "trackings", "estimateRoutes", "confirmImage", "acceptDate",
)  # fmt: skip
_NOTHING: Mapping[str, Any] = MappingProxyType(dict.fromkeys(_FIELDS))


class Refusal(Exception):  # noqa: N818 (an answer, not a fault)
    """An answer that is an error of 247Express's: its code, with HTTP 200 unless it is none of its own."""

    def __init__(self, code: str, status: int = 200) -> None:
        super().__init__(code)
        self.code, self.status = code, status


class TrackingView(APIView):
    """`/api/Order/v1/Tracking`."""

    authentication_classes = ()
    permission_classes = ()
    http_method_names = ["get", "head"]
    _headers: Mapping[str, str] = MappingProxyType({})

    def get(self, request: Request) -> HttpResponse:
        """The order of this code. Every call with a known key is a look-up of the day, found or not."""
        given = {name.lower(): str(value) for name, value in request.query_params.items()}
        caller = _caller(given.get("apikey", ""))
        allowance = take(caller, COURIER)
        self._headers = allowance.headers
        if not allowance.allowed:
            raise Refusal("EXCEPTION", 429)
        if not lookups.count(caller.key_id, settings.EXPRESS247_DAILY_LOOKUPS):
            raise Refusal("APIKEY_LIMIT")
        tracker = _found(caller.merchant_id, _checked(given.get("ordercode", "")))
        personal = PersonalData.objects.filter(tracker=tracker).first()
        return self._answer(order_shape(tracker, personal), 200)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: FBT001, FBT002
        """JSON, whatever `Accept` says."""
        return super().perform_content_negotiation(request, force=True)

    def handle_exception(self, exc: Exception) -> Any:
        """Every error in 247Express's shape, faults of ours too."""
        code, status = "EXCEPTION", 400
        match exc:
            case Refusal():
                code, status = exc.code, exc.status
            case exceptions.MethodNotAllowed():
                status = 405
            case SuspiciousOperation() | exceptions.APIException():
                pass
            case _:
                logger.error("a 247Express call failed", exc_info=exc)
                status = 500
        return self._answer({**_NOTHING, "errorCode": code, "errorMessage": _MESSAGES[code]}, status)

    def _answer(self, body: Mapping[str, Any], status: int) -> HttpResponse:
        return HttpResponse(
            written(body), "application/json; charset=utf-8", status=status, headers=dict(self._headers)
        )


def _caller(key: str) -> Caller:
    if not key:
        raise Refusal("MISSING_APIKEY")
    caller = caller_of_key(key)
    if caller is None or Scope.EXPRESS247 not in caller.scopes:
        raise Refusal("APIKEY_NOT_FOUND")
    return caller


def _checked(code: str) -> str:
    if not code:
        raise Refusal("MISSING_ORDERCODE")
    if len(code) < SHORTEST:
        raise Refusal("ORDERCODE_MIN_LENGTH")
    if len(code) > LONGEST:
        raise Refusal("ORDERCODE_MAX_LENGTH")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", code):
        raise Refusal("ORDERCODE_FORMAT_EXCEPTION")
    return code


def _found(merchant_id: UUID, code: str) -> Tracker:
    """Of two trackers with one number the newest subscribed; another merchant's is not there."""
    mine = Tracker.objects.filter(merchant_id=merchant_id, tracking_number=code)
    found = mine.order_by("-is_subscribed", "-created_at", "-id").first()
    if found is None:
        raise Refusal("ORDERCODE_NOT_FOUND")
    return found


def order_shape(tracker: Tracker, personal: PersonalData | None) -> dict[str, Any]:
    """One order. What is not known is null; times are the wall clock of Asia/Ho_Chi_Minh.

    What 247Express told by the order's own status and dates alone, and in neither list, is told so again.
    """
    steps = timeline(tracker.state["scans"])[::-1]
    told = [(step.scan, word(step.scan, step.says)) for step in steps]
    listed = [(scan, code) for scan, code in told if _is_listed(scan)]
    newest = next((one for one, step in zip(told, steps, strict=True) if step.sets), None)
    status = newest[1] if newest else None
    facts = tracker.state["shipments"].get(COURIER)
    details = facts["details"] if facts else {}
    delay_code, delay_note = _delay(details, told)
    return {
        **_NOTHING,
        "orderCode": tracker.tracking_number,
        "status": status,
        "statusName": _name(*newest) if newest else None,
        "delayCode": delay_code,
        "delayNote": delay_note,
        "deliveryNotes": details.get("deliveryNotes"),
        "deliveryDate": _first_time(told, "DELIVERED") if status == "DELIVERED" else None,
        "receiverName": personal.signed_by if personal else None,
        "mailerTypeID": details.get("mailerTypeID"),
        **{name: _number(details.get(name)) for name in _NUMBERS},
        "priceInfo": [_price(one) for one in details["priceInfo"]] if details.get("priceInfo") else None,
        "statuses": [_status(scan, code) for scan, code in listed],
        "trackings": [_tracking(scan, code) for scan, code in listed],
        "estimateRoutes": _estimate(tracker) or details.get("estimateRoutes"),
        "confirmImage": personal.confirm_image if personal else None,
        "acceptDate": _first_time(told[::-1], "PICKED_UP"),
    }


def word(scan: ScanEntry, milestone: str) -> str:
    """The carrier's own where that is 247Express, also one that we do not know; else the nearest."""
    own = scan["carrierEventCode"] if scan["courierCode"] == COURIER else None
    if not own and scan["statusCode"] == StatusCode.EXCEPTION_RETURN and scan["final"]:
        return "RETURNED"
    return own or words.BY_STATUS.get(scan["statusCode"]) or words.BY_MILESTONE[milestone]


def _status(scan: ScanEntry, code: str) -> dict[str, Any]:
    return {
        "time": _time(scan),
        "status": code,
        "statusName": _name(scan, code),
        "trackingName": scan["status"] or _plain(code),
    }


def _tracking(scan: ScanEntry, code: str) -> dict[str, Any]:
    raw = _raw(scan)
    office, province = raw.get("postOfficeName"), raw.get("provinceName")
    return {
        "statusID": code,
        "statusName": scan["status"] or _plain(code),
        "postOfficeID": raw.get("postOfficeID"),
        "postOfficeName": office if office or province else scan["location"],
        "provinceID": raw.get("provinceID"),
        "provinceName": province,
        "dateChange": _time(scan),
        "notes": raw.get("notes"),
    }


def _is_listed(scan: ScanEntry) -> bool:
    """Whether a list told it: what its own fields alone tell has a timeless key, and nothing beside."""
    return bool(scan["raw"] or scan["aliases"]) or not scan["scanKey"].startswith(f"{COURIER}|-|")


def _raw(scan: ScanEntry) -> dict[str, Any]:
    raw: dict[str, Any] = scan["raw"] if scan["courierCode"] == COURIER else {}
    return raw


def _name(scan: ScanEntry, code: str) -> str:
    """The word's plain text, as 247Express wrote it where it did."""
    own = _raw(scan).get("statusName") or (scan["status"] if scan["courierCode"] == COURIER else "")
    return own if own and own != code else _plain(code)


def _plain(code: str) -> str:
    """`Pending for proceed`."""
    return code.replace("_", " ").capitalize()


def _delay(details: Mapping[str, Any], told: list[tuple[ScanEntry, str]]) -> tuple[str | None, str | None]:
    """As 247Express says now, else the reason of the newest delay; another carrier's has a text alone."""
    late = next((scan for scan, code in told if code == words.DELAYED), None)
    reason = late["reason"] if late else None
    own = reason["code"] if late and reason and late["courierCode"] == COURIER else None
    named = details.get("delayCode") or own or (late and _DELAYS.get(late["statusCode"]))
    note = details.get("delayNote") or (reason and reason["text"])
    return named or None, note or None


def _first_time(told: list[tuple[ScanEntry, str]], code: str) -> str | None:
    """Of the scans that say so: one that says nothing of its own only bears the word that stands."""
    saying = (scan for scan, own in told if own == code and scan["statusMilestone"])
    return next((at for scan in saying if (at := _time(scan))), None)


def _time(scan: ScanEntry) -> str | None:
    """`2024-05-02T11:40:00`; a day alone as that; null where there is no time."""
    if scan["timeCertainty"] in {"unknown", "date_only"}:
        day: str | None = scan["occurrenceDatetime"]
        return day
    return _at_home(datetime.fromisoformat(scan["placedAt"]))


def _estimate(tracker: Tracker) -> str | None:
    told = (facts.get("estimatedTo") for _, facts in sorted(tracker.state["shipments"].items()))
    text = next(filter(None, told), None)
    if text is None or len(text) == len("2024-05-02"):
        return text
    moment = datetime.fromisoformat(text)
    return _at_home(moment) if moment.tzinfo else text


def _at_home(moment: datetime) -> str:
    with suppress(OverflowError):  # in the first and last hours that there are
        moment = moment.astimezone(HOME)
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def _price(price: Mapping[str, str]) -> dict[str, Any]:
    return {
        "serviceName": price.get("serviceName"),
        "serviceID": price.get("serviceID"),
        "cost": _number(price.get("cost")),
    }


def _number(kept: str | None) -> Decimal | str | None:
    """Money and sizes are kept as decimal text; a text that is no plain number stays one."""
    return Decimal(kept) if kept and re.fullmatch(r"-?\d+(\.\d+)?", kept, re.ASCII) else kept


def written(value: Any) -> str:
    """`value` as JSON, with decimals as numbers to the last digit: no float is between."""
    match value:
        case Decimal():
            return f"{value:f}"
        case Mapping():
            return "{" + ",".join(f"{json.dumps(name)}:{written(one)}" for name, one in value.items()) + "}"
        case list():
            return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
