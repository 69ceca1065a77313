"""Which scans are of another parcel, and what the log makes of them. Pure."""

from datetime import timedelta
from typing import Any

import pytest

from carriers.snapshot import Scan, ShipmentFacts
from events.catalog import is_heard, tells
from tests.trackers.cast import NOON, Parcel, scan, snapshot
from trackers.changes import WITHDRAWN_AFTER
from trackers.fold import Projection, fold
from trackers.placing import placed_at
from trackers.quarantine import NO_DATE, TOLERANCE, is_anothers, oldest_of

YEAR = -365 * 24 * 60
#: What a carrier goes on showing of the parcel that had the number a year ago.
OLD = (scan("created", YEAR), scan("moving", YEAR + 10), scan("delivered", YEAR + 30))
NEW = (scan("created", 0), scan("moving", 10))
SHIPPED = oldest_of("2026-03-01")


def times(parcel: Parcel, kind: str) -> int:
    return parcel.types.count(f"tracking.{kind}")


@pytest.mark.parametrize(
    ("shipping_date", "oldest"),
    [
        (None, NO_DATE),
        ("2026-03-03", "2026-03-01T00:00:00.000000Z"),
        ("2026-03-03T09:30:00", "2026-03-01T09:30:00.000000Z"),
        ("2026-03-03T01:00:00+07:00", "2026-02-28T18:00:00.000000Z"),
        ("2026-03-03T01:00:00.5Z", "2026-03-01T01:00:00.500000Z"),
        ("9999-12-31T23:00:00-05:00", "9999-12-30T04:00:00.000000Z"),
        ("0001-01-01", NO_DATE),
    ],
)
def test_the_oldest_moment_of_a_shipment(shipping_date: str | None, oldest: str) -> None:
    assert oldest_of(shipping_date) == oldest


@pytest.mark.parametrize(("before", "set_apart"), [(timedelta(), False), (timedelta(seconds=1), True)])
def test_the_tolerance_is_exact(before: timedelta, set_apart: bool) -> None:
    parcel = Parcel(oldest_of(NOON.isoformat()))
    parcel.polled(snapshot(scan("moving", (-TOLERANCE - before) / timedelta(minutes=1))))
    assert parcel.log[0].data["quarantined"] is set_apart


def test_without_a_shipping_date_nothing_is_too_old() -> None:
    parcel = Parcel()
    parcel.polled(snapshot(*OLD))
    assert parcel.projection.milestone == "delivered"


def test_scans_of_another_parcel_are_recorded_and_count_for_nothing() -> None:
    parcel = Parcel(SHIPPED)
    parcel.polled(snapshot(*OLD))
    now = parcel.projection
    assert (now.version, now.milestone, now.final, now.news_at) == (3, "pending", False, None)
    assert now.last_message_sequence is None
    assert [one["quarantined"] for one in now.state["scans"]] == [True] * 3


def test_the_parcels_own_scans_count_beside_them() -> None:
    parcel = Parcel(SHIPPED)
    parcel.polled(snapshot(*OLD, *NEW))
    assert (parcel.projection.milestone, parcel.projection.news_at is None) == ("in_transit", False)
    assert parcel.polled(snapshot(*OLD, *NEW)).facts == []


def test_what_changes_about_them_is_silent() -> None:
    parcel = Parcel(SHIPPED)
    parcel.polled(snapshot(*OLD))
    parcel.polled(snapshot(*OLD[:2], scan("delivered", YEAR + 30, milestone=NEW[1].milestone)))
    for _ in range(3):
        parcel.polled(snapshot(*OLD[:2]), after=WITHDRAWN_AFTER)
    assert parcel.types[3:] == ["tracking.scan_amended", "tracking.scan_withdrawn"]
    assert parcel.projection.last_message_sequence is None


def test_a_silence_goes_on_through_them() -> None:
    data = {"quarantined": True, "changed": ["location"]}
    assert not is_heard("tracking.scanned", data)
    assert not tells("tracking.scanned", data)
    assert is_heard("tracking.scanned", {})


def test_another_shipping_date_judges_them_again_by_amendments() -> None:
    parcel = Parcel(SHIPPED)
    parcel.polled(snapshot(*OLD))
    parcel.oldest = oldest_of("2025-03-01")
    parcel.polled(snapshot(*OLD))
    assert (times(parcel, "scanned"), times(parcel, "scan_amended")) == (3, 3)
    assert {tuple(event.data["changed"]) for event in parcel.log[3:]} == {("quarantined",)}
    now = parcel.projection
    assert (now.milestone, now.last_message_sequence) == ("delivered", 6)
    assert now.news_at == parcel.log[-1].recorded_at
    assert fold(Projection(), parcel.log) == now


def test_a_scan_that_is_moved_to_the_past_is_taken_back() -> None:
    parcel = Parcel(SHIPPED)
    first = snapshot(*NEW)
    parcel.polled(first)
    moved = scan("moving", YEAR, key=first.scans[1].key)
    parcel.polled(snapshot(moved, NEW[0]))
    assert parcel.projection.milestone == "info_received"
    assert "quarantined" in parcel.log[-1].data["changed"]
    assert tells(parcel.log[-1].type, parcel.log[-1].data)


def test_a_scan_without_a_time_is_of_now() -> None:
    parcel = Parcel(oldest_of("2026-03-02"))
    parcel.polled(snapshot(*OLD, scan("out", None, placed=None)))
    assert parcel.projection.milestone == "out_for_delivery"


@pytest.mark.parametrize(
    ("scans", "anothers"),
    [(OLD, True), ((), False), ((*OLD, *NEW), False), ((*OLD, scan("out", None, placed=None)), False)],
    ids=["old", "none", "both", "timeless"],
)
def test_an_answer_is_anothers_where_all_it_tells_is_too_old(scans: tuple[Scan, ...], anothers: bool) -> None:
    assert is_anothers(snapshot(*scans), SHIPPED) is anothers
    assert not is_anothers(snapshot(*scans), NO_DATE)


@pytest.mark.parametrize("fields", [{"late": True}, {}])
def test_the_estimate_for_another_parcel_is_no_estimate_for_this_one(fields: Any) -> None:
    parcel = Parcel(SHIPPED)
    found = parcel.polled(snapshot(*OLD, shipment=ShipmentFacts(service="Express")), **fields)
    assert found.anothers
    assert "tracking.shipment" not in parcel.types
    parcel.polled(snapshot(*OLD, *NEW, shipment=ShipmentFacts(service="Express")))
    assert parcel.types.count("tracking.shipment") == 1


def test_a_timeless_scan_that_is_overtaken_by_the_past_goes_with_it() -> None:
    parcel = Parcel(SHIPPED)
    parcel.clock = NOON + timedelta(minutes=YEAR)
    parcel.polled(snapshot(scan("moving", None, placed=None)))
    assert parcel.log[0].data["placedAt"] > placed_at(NOON + timedelta(minutes=YEAR))
    assert parcel.projection.state["scans"][0]["quarantined"]


def test_a_log_from_before_the_quarantine_goes_on_as_it_is() -> None:
    parcel = Parcel()
    parcel.polled(snapshot(*NEW))
    parcel.log = [one._replace(data=_as_before(one.data)) for one in parcel.log]
    parcel.projection = fold(Projection(), parcel.log)
    assert not parcel.polled(snapshot(*NEW)).facts
    for _ in range(2):
        parcel.polled(snapshot(scan("created", 0, location="Depot")), after=WITHDRAWN_AFTER)
    assert parcel.types[len(NEW) :] == ["tracking.scan_amended", "tracking.scan_withdrawn"]
    assert parcel.projection.milestone == "info_received"
    assert parcel.projection == fold(Projection(), parcel.log)


def _as_before(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "quarantined"}
