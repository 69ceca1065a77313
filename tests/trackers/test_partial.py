"""Push and poll of one parcel, in any order: the same scans. Pure."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.adapter import Pushed
from carriers.registry import adapter
from carriers.snapshot import Snapshot
from events.catalog import ScanWithdrawn, ShipmentUpdated
from tests.carriers.payloads import TRACKER, parse, query
from tests.ship24_server import event, tracking
from tests.trackers.cast import Parcel
from trackers.changes import WITHDRAWN_AFTER

NUMBER = "RR123456785GB"
#: A life with days alone and moments that three events share, in Ship24's order.
LIFE = [
    event("a", "info_received", "2026-03-01"),
    event("b", "in_transit", "2026-03-01T10:00:00Z"),
    event("c", "in_transit", "2026-03-02T08:00:00Z"),
    event("d", "out_for_delivery", "2026-03-02T08:00:00Z"),
    event("e", "delivered", "2026-03-02T08:00:00Z"),
    event("f", "delivered", "2026-03-02"),
]


def polled(count: int, **fields: Any) -> Snapshot:
    answer = {"data": {"trackings": [tracking(TRACKER, *LIFE[:count], **fields)]}}
    return parse("ship24", answer, NUMBER)


def pushed(*events: Any, **fields: Any) -> Snapshot:
    told = Pushed(TRACKER, [tracking(TRACKER, *events, **fields)])
    return adapter("ship24").parse_pushed(told, query("ship24", NUMBER))


def keys(parcel: Parcel) -> list[str]:
    return [scan["scanKey"].removeprefix("ship24|") for scan in parcel.projection.state["scans"]]


STEPS = st.lists(
    st.integers(1, len(LIFE)) | st.lists(st.integers(0, len(LIFE) - 1), min_size=1, max_size=3), max_size=8
)


@given(steps=STEPS)
def test_any_interleaving_ends_in_the_same_scans(steps: list[Any]) -> None:
    parcel = Parcel()
    known = 0
    for step in steps:
        known = max(known, step) if isinstance(step, int) else known
        parcel.polled(polled(known) if isinstance(step, int) else pushed(*[LIFE[nth] for nth in step]))
    parcel.polled(polled(len(LIFE)))
    assert keys(parcel) == list("abcdef")
    assert parcel.projection.milestone == "delivered"
    assert parcel.types.count("tracking.scanned") == len(LIFE)


@given(again=st.lists(st.integers(0, len(LIFE) - 1), min_size=1))
def test_a_push_of_what_is_known_changes_nothing(again: list[int]) -> None:
    parcel = Parcel()
    parcel.polled(polled(len(LIFE)))
    assert parcel.polled(pushed(*[LIFE[nth] for nth in again])).facts == []


@pytest.mark.parametrize("nth", range(len(LIFE)))
def test_pushed_one_by_one_a_life_stands_as_it_was_lived(nth: int) -> None:
    parcel = Parcel()
    for one in LIFE[: nth + 1]:
        parcel.polled(pushed(one))
    assert keys(parcel) == list("abcdef")[: nth + 1]
    assert parcel.projection.milestone == LIFE[nth]["statusMilestone"]


def test_what_a_push_leaves_out_is_not_gone() -> None:
    parcel = Parcel()
    parcel.polled(polled(4))
    for _ in range(3):
        facts = parcel.polled(pushed(LIFE[4]), after=2 * WITHDRAWN_AFTER).facts
        assert not any(isinstance(fact, ScanWithdrawn) for fact in facts)
    assert keys(parcel) == list("abcde")


def test_a_push_leaves_the_facts_of_the_shipment_that_it_does_not_hold() -> None:
    parcel = Parcel()
    delivery = {"service": "Tracked", "courierEstimatedDeliveryDate": {"to": "2026-03-04"}}
    parcel.polled(polled(2, shipment={"originCountryCode": "GB", "delivery": delivery}))
    assert parcel.polled(pushed(LIFE[2])).facts[1:] == []
    new = {
        "destinationCountryCode": "US",
        "delivery": {"courierEstimatedDeliveryDate": {"from": "2026-03-05"}},
    }
    parcel.polled(pushed(LIFE[3], shipment=new))
    told = parcel.projection.state["shipments"]["ship24"]
    assert (told["service"], told["originCountryCode"], told["destinationCountryCode"]) == (
        "Tracked",
        "GB",
        "US",
    )
    assert (told["estimatedFrom"], told["estimatedTo"]) == ("2026-03-05", None)
    assert parcel.types.count(ShipmentUpdated.type) == 2
