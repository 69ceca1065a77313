"""Whatever comes, a parser returns a snapshot that can be stored, or raises a CarrierError."""

import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.adapter import Answer
from carriers.digest import digest
from carriers.exceptions import CarrierError
from carriers.registry import adapters
from carriers.snapshot import Snapshot
from tests.carriers.payloads import Payload, payloads, query

each_courier = pytest.mark.parametrize("courier", adapters())

WORDS = st.sampled_from(
    [
        "HSBY37H7",
        "history",
        "event_time",
        "event_code",
        "event_name",
        "location",
        "response_code",
        "error_codes",
        "origin_order_date",
        "expected_completion",
        "sender_location",
        "hs_order_ref",
        "orderCode",
        "status",
        "statusName",
        "statuses",
        "trackings",
        "time",
        "dateChange",
        "statusID",
        "delayCode",
        "acceptDate",
        "deliveryDate",
        "estimateRoutes",
        "priceInfo",
        "price",
        "confirmImage",
        "errorCode",
        "scans",
        "number",
        "code",
        "data",
        "trackings",
        "tracker",
        "clientTrackerId",
        "shipment",
        "delivery",
        "recipient",
        "events",
        "eventId",
        "occurrenceDatetime",
        "order",
        "statusCode",
        "statusMilestone",
        "metadata",
        "topic",
        "errors",
    ]
)
TEXTS = st.text(max_size=8) | st.sampled_from(
    [
        "2024-05-02T11:40:00",
        "02/05/2024 11:40",
        "DELIVERED",
        "PENDING_FOR_PROCEED",
        "500000",
        "HSBY37H7",
        "ORDERED",
        "\0",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=25,
)
STATUSES = st.sampled_from([200, 200, 200, 200, 204, 301, 404, 429, 503, 999])


def read(courier: str, status: int, body: bytes) -> Snapshot | None:
    try:
        snapshot = adapters()[courier].parse(Answer(status, {}, body), query(courier, "HSBY37H7"))
    except CarrierError as error:
        return assert_clear(error)
    assert_storable(snapshot)
    return snapshot


def assert_clear(error: CarrierError) -> None:
    assert error.detail.encode()
    assert "\0" not in error.detail


def assert_storable(snapshot: Snapshot) -> None:
    digest(snapshot, 1, own_account=True)
    kept = json.dumps(
        [snapshot.part, [scan.raw for scan in snapshot.scans], snapshot.shipment.details, snapshot.set_aside],
        allow_nan=False,
        ensure_ascii=False,
    )
    assert "\\u0000" not in kept
    kept.encode()
    keys = [scan.key for scan in snapshot.scans]
    assert len(set(keys)) == len(keys)
    for scan in snapshot.scans:
        assert len(scan.key) <= 200
        assert max(len(scan.text), len(scan.carrier_code or ""), len(scan.location or "")) <= 255
        assert scan.moment.instant is None or scan.moment.instant.tzinfo is UTC
    places = [(scan.placed, scan.rank) for scan in snapshot.scans if scan.placed]
    assert places == sorted(places)


@each_courier
@given(status=STATUSES, body=st.binary(max_size=200))
def test_any_bytes(courier: str, status: int, body: bytes) -> None:
    read(courier, status, body)


@each_courier
@given(status=STATUSES, value=VALUES)
def test_any_json(courier: str, status: int, value: Any) -> None:
    read(courier, status, json.dumps(value).encode())


@each_courier
@given(data=st.data())
def test_any_answer_with_one_value_replaced(courier: str, data: st.DataObject) -> None:
    payload = data.draw(st.sampled_from([one for one in payloads() if one.courier == courier]))
    document = json.loads(payload.body)
    replaced(document, data)
    text = json.dumps(document)
    number = payload.expected["number"]
    try:
        snapshot = adapters()[courier].parse(Answer(200, {}, text.encode()), query(courier, number))
    except CarrierError:
        return
    assert_storable(snapshot)


def replaced(document: Any, data: st.DataObject) -> None:
    """Walk down at random and put any JSON value where the walk ends."""
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        inner = document[key]
        if isinstance(inner, dict | list) and inner and data.draw(st.booleans()):
            document = inner
            continue
        document[key] = data.draw(VALUES)
        return


@each_courier
@given(data=st.data())
def test_a_body_cut_anywhere_or_with_a_byte_changed(courier: str, data: st.DataObject) -> None:
    body = Payload(courier, "delivered").body
    at = data.draw(st.integers(0, len(body)))
    read(courier, 200, body[:at])
    read(courier, 200, body[:at] + data.draw(st.binary(max_size=3)) + body[at + 1 :])
