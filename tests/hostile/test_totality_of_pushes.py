"""Whatever a carrier calls with, reading it gives snapshots that can be stored, or raises a CarrierError."""

import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.adapter import Adapter
from carriers.exceptions import CarrierError
from carriers.registry import adapters
from tests.carriers.payloads import TRACKER, query
from tests.hostile.test_totality import VALUES, assert_clear, assert_storable, replaced
from tests.ship24_server import event, push, tracking

#: A push of each courier that calls us, in its own format.
PUSHES: dict[str, dict[str, Any]] = {
    "ship24": push(
        tracking(
            TRACKER,
            event("a", "in_transit", "2026-03-01", location="Depot", statusCode="transit_handover"),
            event("b", "delivered", "2026-03-02T09:00:00+01:00", statusCode="delivery_delivered"),
            shipment={
                "delivery": {
                    "service": "Tracked",
                    "signedBy": "S",
                    "estimatedDeliveryDate": "2026-03-02",
                    "courierEstimatedDeliveryDate": {"from": "2026-03-01", "to": "2026-03-02"},
                },
                "recipient": {"name": "N", "address": "A"},
                "originCountryCode": "GB",
            },
        )
    )
}
each_pushing = pytest.mark.parametrize("courier", sorted(PUSHES))


def read(courier: Adapter, body: bytes) -> int:
    """How many trackers it tells of something that can be stored."""
    try:
        pushed = courier.unpacked(body)
    except CarrierError as error:
        assert_clear(error)
        return 0
    assert len({one.tracker_id for one in pushed}) == len(pushed)
    return sum(parsed(courier, one) for one in pushed)


def parsed(courier: Adapter, pushed: Any) -> bool:
    assert pushed.written_at is None or pushed.written_at.tzinfo is UTC
    try:
        snapshot = courier.parse_pushed(pushed, query(courier.code, "RR123456785GB"))
    except CarrierError as error:
        assert_clear(error)
        return False
    assert snapshot.partial
    assert_storable(snapshot)
    return True


def test_there_is_a_push_of_each_courier_that_calls_and_it_is_read() -> None:
    assert set(PUSHES) == {code for code, one in adapters().items() if one.pushes}
    for code, body in PUSHES.items():
        assert read(adapters()[code], json.dumps(body).encode()) == 1


@pytest.mark.parametrize("courier", adapters())
@given(body=st.binary(max_size=200))
def test_any_bytes(courier: str, body: bytes) -> None:
    read(adapters()[courier], body)


@pytest.mark.parametrize("courier", adapters())
@given(value=VALUES)
def test_any_json(courier: str, value: Any) -> None:
    read(adapters()[courier], json.dumps(value).encode())


@each_pushing
@given(data=st.data())
def test_any_push_with_some_values_replaced(courier: str, data: st.DataObject) -> None:
    document = json.loads(json.dumps(PUSHES[courier]))
    for _ in range(data.draw(st.integers(1, 3))):
        replaced(document, data)
    read(adapters()[courier], json.dumps(document).encode())


@each_pushing
@given(data=st.data())
def test_a_push_cut_anywhere_or_with_a_byte_changed(courier: str, data: st.DataObject) -> None:
    body = json.dumps(PUSHES[courier]).encode()
    at = data.draw(st.integers(0, len(body)))
    read(adapters()[courier], body[:at])
    read(adapters()[courier], body[:at] + data.draw(st.binary(max_size=3)) + body[at + 1 :])


@each_pushing
@given(
    copies=st.integers(1, 5), at=st.sampled_from([None, 7, "", "soon", "2026-03-02T09:00:00Z", "9999-12-31"])
)
def test_a_tracker_that_is_told_of_several_times_is_told_of_once(courier: str, copies: int, at: Any) -> None:
    document = json.loads(json.dumps(PUSHES[courier]))
    document["trackings"] *= copies
    document["trackings"][0]["metadata"]["generatedAt"] = at
    assert read(adapters()[courier], json.dumps(document).encode()) == 1
