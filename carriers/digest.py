"""The digest of an answer: two that say the same have the same, however they are written. Pure."""

import hashlib
import json
from datetime import datetime
from typing import Any

import orjson

from carriers.snapshot import Moment, Reason, Scan, ShipmentFacts, Snapshot


def digest(snapshot: Snapshot, map_version: int, own_account: bool) -> str:  # noqa: FBT001 (part of the key)
    """SHA-256, in hex, of what a snapshot tells and how it was read and would be kept.

    Personal facts count only where they are kept: with the merchant's own account. A scan without an instant
    stands where its neighbours do, which is no news of its own.
    """
    personal = snapshot.personal
    told = [
        map_version,
        own_account,
        snapshot.courier,
        [_scan(scan) for scan in snapshot.scans],
        _shipment(snapshot.shipment),
        [personal.recipient, personal.sender, personal.signed_by, personal.confirm_image]
        if own_account
        else None,
        snapshot.set_aside,
    ]
    return hashlib.sha256(_written(told)).hexdigest()


def _written(told: list[Any]) -> bytes:
    try:
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # a whole number beyond 64 bits
        return json.dumps(told, sort_keys=True, default=datetime.isoformat).encode()


def _scan(scan: Scan) -> list[Any]:
    return [
        scan.key,
        scan.source,
        _moment(scan.moment),
        scan.placed if scan.moment.instant else None,
        scan.rank,
        scan.carrier_code,
        scan.text,
        scan.location,
        scan.status_code,
        scan.milestone,
        _reason(scan.reason),
        scan.raw,
        scan.supersedes,
        scan.final,
    ]


def _shipment(facts: ShipmentFacts) -> list[Any]:
    return [
        _moment(facts.estimated_from),
        _moment(facts.estimated_to),
        facts.service,
        facts.origin_country_code,
        facts.destination_country_code,
        facts.details,
    ]


def _moment(moment: Moment | None) -> list[Any] | None:
    if moment is None:
        return None
    return [moment.text, moment.instant, moment.certainty, moment.written, moment.wall]


def _reason(reason: Reason | None) -> list[str] | None:
    return [reason.code, reason.text, reason.party] if reason else None
