"""A tracker in Ship24's shapes, from its projection. Nothing here asks the database."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Protocol
from uuid import UUID

from carriers.outcome import Outcome
from carriers.snapshot import Party
from events.statuses import Milestone, StatusCode
from events.writing import written
from trackers.milestones import ScanEntry, Step, quarantined, standing, timeline
from trackers.models import Tracker, Watch

_STATISTICS: dict[str, str] = {
    Milestone.INFO_RECEIVED: "infoReceivedDatetime",
    Milestone.IN_TRANSIT: "inTransitDatetime",
    Milestone.OUT_FOR_DELIVERY: "outForDeliveryDatetime",
    Milestone.FAILED_ATTEMPT: "failedAttemptDatetime",
    Milestone.AVAILABLE_FOR_PICKUP: "availableForPickupDatetime",
    Milestone.EXCEPTION: "exceptionDatetime",
    Milestone.DELIVERED: "deliveredDatetime",
}
#: Who must act at a milestone when the scan's reason names neither consignee nor sender: a parcel waits for
#: its consignee, and goes back to its sender; after a failed attempt the carrier comes again by itself.
_ACTS: dict[str, Party | None] = {
    Milestone.AVAILABLE_FOR_PICKUP: Party.CONSIGNEE,
    Milestone.EXCEPTION: Party.SENDER,
    Milestone.FAILED_ATTEMPT: None,
}
_MERCHANTS_SIDE = frozenset({Party.CONSIGNEE, Party.SENDER})


class Followed(Protocol):
    """What is shown of a tracker: the row, or as much of it as an answer needs."""

    @property
    def id(self) -> UUID | str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def tracking_number(self) -> str: ...
    @property
    def courier_codes(self) -> list[str]: ...
    @property
    def shipment_reference(self) -> str | None: ...
    @property
    def client_tracker_id(self) -> str | None: ...
    @property
    def origin_country_code(self) -> str | None: ...
    @property
    def destination_country_code(self) -> str | None: ...
    @property
    def is_subscribed(self) -> bool: ...
    @property
    def is_tracked(self) -> bool: ...
    @property
    def milestone(self) -> str: ...
    @property
    def status_code(self) -> str | None: ...
    @property
    def state(self) -> Any: ...


class Personal(Protocol):
    """What is shown of personal data."""

    @property
    def given_recipient(self) -> Any: ...
    @property
    def recipient(self) -> Any: ...
    @property
    def signed_by(self) -> str | None: ...


def tracker_shape(tracker: Followed) -> dict[str, Any]:
    """Ship24's `tracker`."""
    return {
        "trackerId": str(tracker.id),
        "trackingNumber": tracker.tracking_number,
        "shipmentReference": tracker.shipment_reference,
        "courierCode": tracker.courier_codes,
        "clientTrackerId": tracker.client_tracker_id,
        "isSubscribed": tracker.is_subscribed,
        "isTracked": tracker.is_tracked,
        "createdAt": written(tracker.created_at),
    }


def polled_shape(tracker: Tracker, watches: Sequence[Watch], page_url: str | None) -> dict[str, Any]:
    """Ship24's `tracker`, how polling goes, and where shoppers see it.

    A tracker without a watch has no carrier account to ask.
    """
    latest = max(
        watches, key=lambda watch: (watch.last_polled_at is not None, watch.last_polled_at), default=None
    )
    due = [watch.next_poll_at for watch in watches if watch.next_poll_at and watch.carrier_account_id]
    outcome = latest.last_outcome if latest else Outcome.NO_CARRIER_ACCOUNT.value
    return {
        **tracker_shape(tracker),
        "lastPolledAt": written(latest.last_polled_at) if latest else None,
        "nextPollAt": written(min(due, default=None)),
        "lastPollOutcome": outcome,
        "lastPollError": latest.last_error if latest else None,
        "stalledAt": written(tracker.stalled_at),
        "stopReason": tracker.stop_reason,
        "erasedAt": written(tracker.erased_at),
        "trackingPageUrl": page_url,
    }


def results_shape(tracker: Followed, personal: Personal | None) -> dict[str, Any]:
    """Ship24's `tracking`: tracker, shipment, every scan newest first, statistics; and the quarantined."""
    steps = timeline(tracker.state["scans"])
    shape = {
        "tracker": tracker_shape(tracker),
        "shipment": _shipment(tracker, personal),
        "events": _shapes(tracker, steps),
        "statistics": _statistics(steps),
    }
    if set_apart := quarantined_shapes(tracker):
        shape["quarantinedEvents"] = set_apart
    return shape


def message_shape(
    tracker: Followed,
    *,
    metadata: dict[str, Any],
    scan_keys: Collection[str],
    withdrawn_event_ids: Collection[str] = (),
) -> dict[str, Any]:
    """A `tracking` as messages carry it: only the scans that are new, and nothing personal."""
    steps = timeline(tracker.state["scans"])
    shape = {
        "metadata": metadata,
        "tracker": tracker_shape(tracker),
        "shipment": _shipment(tracker, None),
        "events": _shapes(tracker, steps, only=scan_keys),
        "statistics": _statistics(steps),
    }
    if withdrawn_event_ids:
        shape["withdrawnEventIds"] = sorted(withdrawn_event_ids)
    return shape


def quarantined_shapes(tracker: Followed) -> list[dict[str, Any]]:
    """The scans of another parcel that had this number, in the same shape: a life of their own."""
    return _shapes(tracker, timeline(quarantined(tracker.state["scans"])))


def _shapes(
    tracker: Followed, steps: Iterable[Step], only: Collection[str] | None = None
) -> list[dict[str, Any]]:
    shapes = [
        _scan(tracker.tracking_number, step.scan, step.milestone, order)
        for order, step in enumerate(steps, start=1)
        if only is None or step.scan["scanKey"] in only
    ]
    return shapes[::-1]


def _scan(number: str, scan: ScanEntry, milestone: str, order: int) -> dict[str, Any]:
    moment = scan["occurrenceDatetime"]
    return {
        "eventId": scan["eventId"],
        "trackingNumber": number,
        "eventTrackingNumber": number,
        "status": scan["status"],
        "occurrenceDatetime": moment,
        "order": order,
        "location": scan["location"],
        "sourceCode": scan["sourceCode"],
        "courierCode": scan["courierCode"],
        "statusCode": scan["statusCode"],
        "statusCategory": _category(scan["statusCode"]),
        "statusMilestone": milestone,
        # `placedAt` is of one width, in UTC and with microseconds; this is its API form.
        "datetime": f"{scan['placedAt'][:23]}Z" if moment else None,
        "utcOffset": _offset(scan),
        "hasNoTime": scan["timeCertainty"] == "date_only",
        "carrierEventCode": scan["carrierEventCode"],
        "timeCertainty": scan["timeCertainty"],
        "reason": scan["reason"],
    }


def _offset(scan: ScanEntry) -> str | None:
    """`+07:00` where the carrier's offset is known or assumed."""
    known = scan["timeCertainty"] in {"offset_known", "offset_assumed"}
    return scan["occurrenceDatetime"][-6:] if known else None


@cache
def _category(status_code: str | None) -> str | None:
    return StatusCode(status_code).category.value if status_code else None


def _shipment(tracker: Followed, personal: Personal | None) -> dict[str, Any]:
    told = shipment_facts(tracker.state)
    estimate = {"from": told.get("estimatedFrom"), "to": told.get("estimatedTo")}
    return {
        "shipmentId": str(tracker.id),
        "statusCode": tracker.status_code,
        "statusCategory": _category(tracker.status_code),
        "statusMilestone": tracker.milestone,
        "originCountryCode": told.get("originCountryCode") or tracker.origin_country_code,
        "destinationCountryCode": told.get("destinationCountryCode") or tracker.destination_country_code,
        "delivery": {
            "estimatedDeliveryDate": estimate["to"],
            "courierEstimatedDeliveryDate": estimate if any(estimate.values()) else None,
            "service": told.get("service"),
            "signedBy": personal.signed_by if personal else None,
        },
        "trackingNumbers": [{"tn": tracker.tracking_number}],
        "recipient": _recipient(personal),
        "actionRequired": _action(tracker),
    }


def _action(tracker: Followed) -> dict[str, Any] | None:
    """Who must act so that the parcel goes on, why, and since which scan; None where nobody must."""
    if tracker.milestone not in _ACTS or tracker.status_code == StatusCode.DATA_ORDER_CANCELLED:
        return None
    newest = standing(tracker.state["scans"])
    if newest is None:
        return None
    reason = newest["reason"] or {}
    party = reason["party"] if reason.get("party") in _MERCHANTS_SIDE else _ACTS[tracker.milestone]
    if party is None:
        return None
    code = reason.get("code") or newest["statusCode"] or tracker.milestone
    return {
        "party": party,
        "reason": {"code": code, "text": reason.get("text") or newest["status"]},
        "sinceDatetime": newest["occurrenceDatetime"],
    }


def shipment_facts(state: Mapping[str, Any]) -> dict[str, Any]:
    """The couriers' facts of the shipment as one; of two that say the same, the first by code counts."""
    merged: dict[str, Any] = {}
    for _, facts in sorted(state["shipments"].items()):
        merged = {name: value for name, value in facts.items() if value is not None} | merged
    return merged


def _recipient(personal: Personal | None) -> dict[str, Any] | None:
    if personal is None or not (personal.recipient or personal.given_recipient):
        return None
    told = personal.recipient or {}
    given = personal.given_recipient or {}
    return {
        "name": told.get("name") or given.get("name"),
        "address": told.get("address"),
        "postCode": told.get("postCode"),
        "city": told.get("city"),
        "subdivision": told.get("subdivision"),
    }


def _statistics(steps: Iterable[Step]) -> dict[str, Any]:
    """When each milestone was first reached. A scan that sets none reaches none."""
    first: dict[str, str | None] = dict.fromkeys(_STATISTICS.values())
    for step in steps:
        name = _STATISTICS.get(step.milestone)
        if name and step.sets and first[name] is None:
            first[name] = step.scan["occurrenceDatetime"]
    return {"timestamps": first}
