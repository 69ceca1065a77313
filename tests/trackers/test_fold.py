"""What the log amounts to: pure, so these tests need no database."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.snapshot import Scan
from events.catalog import TrackerRestarted, TrackerStopped, TrackerUpdated
from tests.trackers.cast import Parcel, scan, snapshot
from trackers.changes import WITHDRAWN_AFTER
from trackers.fold import Projection, fold
from trackers.messages import message_type
from trackers.milestones import timeline

LIFE = (scan("created", 0), scan("moving", 10), scan("out", 20), scan("delivered", 30))


def essence(projection: Projection) -> Any:
    """What must be equal in any order of polls: all but ids, versions and moments of recording."""
    aside = {"eventId", "version", "recordedAt"}
    scans = [{k: v for k, v in one.items() if k not in aside} for one in projection.state["scans"]]
    return projection.milestone, projection.status_code, scans


def test_a_parcel_is_where_its_newest_scan_says() -> None:
    parcel = Parcel()
    parcel.polled(snapshot(*LIFE))
    assert (parcel.projection.milestone, parcel.projection.status_code) == ("delivered", "delivery_delivered")
    assert parcel.projection.version == 4


def test_a_repeated_answer_adds_nothing() -> None:
    parcel = Parcel()
    parcel.polled(snapshot(*LIFE))
    assert parcel.polled(snapshot(*LIFE)).facts == []


def test_of_two_scans_at_one_time_the_carriers_order_decides() -> None:
    parcel = Parcel()
    parcel.polled(snapshot(scan("moving", 5, rank=0), scan("delivered", 5, rank=1)))
    assert parcel.projection.milestone == "delivered"


def test_an_unknown_code_leaves_the_milestone_as_it_is() -> None:
    parcel = Parcel()
    parcel.polled(snapshot(*LIFE[:3], scan("puzzling", 25)))
    assert parcel.projection.milestone == "out_for_delivery"
    shown = [step.milestone for step in timeline(parcel.projection.state["scans"])]
    assert shown[-1] == "out_for_delivery"


def test_a_late_scan_of_the_past_does_not_move_the_parcel_back() -> None:
    parcel = Parcel()
    parcel.polled(snapshot(LIFE[0], LIFE[3]))
    parcel.polled(snapshot(*LIFE))
    assert parcel.projection.milestone == "delivered"
    assert [one["carrierEventCode"] for one in parcel.projection.state["scans"]] == [
        "created",
        "moving",
        "out",
        "delivered",
    ]


@given(data=st.data())
def test_any_polls_in_any_list_order_fold_to_the_same_state(data: st.DataObject) -> None:
    """Carriers repeat themselves, leave out what they told, and list in any order; times here differ."""
    parcel = Parcel()
    for _ in range(data.draw(st.integers(0, 5))):
        part = data.draw(st.lists(st.sampled_from(LIFE), unique_by=lambda one: one.carrier_code))
        parcel.polled(snapshot(*part))
    parcel.polled(snapshot(*data.draw(st.permutations(LIFE))))
    plain = Parcel()
    plain.polled(snapshot(*LIFE))
    assert essence(parcel.projection) == essence(plain.projection)
    assert fold(Projection(), parcel.log) == parcel.projection


@given(data=st.data())
def test_scans_of_one_time_stand_as_the_carriers_newest_answer_lists_them(data: st.DataObject) -> None:
    """Whatever parts of the list were seen before, and in whatever order."""
    codes = st.permutations(["created", "moving", "out", "delivered"])
    parcel = Parcel()
    for _ in range(data.draw(st.integers(0, 4))):
        part = data.draw(codes)[: data.draw(st.integers(0, 4))]
        parcel.polled(snapshot(*(scan(code, 5, rank=rank) for rank, code in enumerate(part))))
    newest = data.draw(codes)
    answer = snapshot(*(scan(code, 5, rank=rank) for rank, code in enumerate(newest)))
    parcel.polled(answer)
    assert [one["carrierEventCode"] for one in parcel.projection.state["scans"]] == newest
    assert parcel.polled(answer).facts == []
    assert fold(Projection(), parcel.log) == parcel.projection


@given(cuts=st.sets(st.integers(1, 5)))
def test_folding_in_steps_is_folding_at_once(cuts: set[int]) -> None:
    parcel = Parcel()
    for count in range(1, len(LIFE) + 1):
        parcel.polled(snapshot(*LIFE[:count]))
    parcel.polled(snapshot(*LIFE[:3], scan("delivered", 30, location="Hanoi")))
    stepwise = Projection()
    for start, end in itertools.pairwise([0, *sorted(cuts), len(parcel.log)]):
        stepwise = fold(stepwise, parcel.log[start:end])
    assert stepwise == parcel.projection


def wishes(count: int) -> TrackerUpdated:
    return TrackerUpdated(
        changed=["destinationPostCode"],
        courier_code=[],
        origin_country_code=None,
        destination_country_code=None,
        destination_post_code=str(count),
        shipping_date=None,
        _count=count,
    )


@given(
    decided=st.lists(st.sampled_from(["stop", "restart", "update", "poll"]), max_size=12),
    cut=st.integers(0, 12),
)
def test_the_last_stop_or_restart_says_whether_anybody_asks(decided: list[str], cut: int) -> None:
    """Among scans and changes in any order; the counts name each event once, and any cut folds alike."""
    parcel = Parcel()
    for nth, what in enumerate(decided):
        counts = parcel.projection.state["counts"]
        match what:
            case "stop":
                parcel.append(TrackerStopped(reason=f"reason {nth}", _count=counts.get("stopped", 0) + 1))
            case "restart":
                parcel.append(TrackerRestarted(_count=counts.get("restarted", 0) + 1))
            case "update":
                parcel.append(wishes(counts.get("updated", 0) + 1))
            case "poll":
                parcel.polled(snapshot(*LIFE[: 1 + nth % 4]))
        parcel.clock += timedelta(minutes=1)
    ends = [nth for nth, what in enumerate(decided) if what in {"stop", "restart"}]
    stopped = bool(ends) and decided[ends[-1]] == "stop"
    assert parcel.projection.stop_reason == (f"reason {ends[-1]}" if stopped else None)
    assert len({event.key for event in parcel.log}) == len(parcel.log)
    assert fold(fold(Projection(), parcel.log[:cut]), parcel.log[cut:]) == parcel.projection


def test_a_reworded_place_is_a_silent_amendment() -> None:
    parcel = Parcel()
    parcel.polled(snapshot(scan("moving", 5, location="PARIS, FR")))
    told_before = parcel.projection.last_message_sequence
    parcel.polled(snapshot(scan("moving", 5, location="Paris, France")))
    assert parcel.types == ["tracking.scanned", "tracking.scan_amended"]
    assert parcel.projection.state["scans"][0]["location"] == "Paris, France"
    assert parcel.projection.last_message_sequence == told_before


def test_a_changed_status_is_a_correction_that_subscribers_hear_of() -> None:
    parcel = Parcel()
    parcel.polled(snapshot(scan("moving", 5)))
    corrected = scan("moving", 5, milestone=LIFE[2].milestone)
    parcel.polled(snapshot(corrected))
    assert parcel.projection.last_message_sequence == parcel.projection.version == 2
    assert parcel.log[-1].data["changed"] == ["statusMilestone"]


def test_each_amendment_of_a_scan_is_told_once() -> None:
    parcel = Parcel()
    for place in ("A", "B", "A", "A"):
        parcel.polled(snapshot(scan("moving", 5, location=place)))
    keys = [event.key for event in parcel.log]
    assert len(keys) == len(set(keys)) == 3


def test_a_scan_missing_from_two_answers_an_hour_apart_is_withdrawn() -> None:
    parcel = Parcel()
    parcel.polled(snapshot(*LIFE))
    parcel.polled(snapshot(*LIFE[:3]))
    assert parcel.projection.milestone == "delivered"
    parcel.polled(snapshot(*LIFE[:3]), after=WITHDRAWN_AFTER)
    assert parcel.types[-1] == "tracking.scan_withdrawn"
    assert parcel.projection.milestone == "out_for_delivery"


def test_a_withdrawn_scan_that_comes_back_stands_again() -> None:
    parcel = Parcel()
    parcel.polled(snapshot(*LIFE))
    parcel.polled(snapshot(*LIFE[:3]))
    parcel.polled(snapshot(*LIFE[:3]), after=WITHDRAWN_AFTER)
    parcel.polled(snapshot(*LIFE))
    assert parcel.projection.milestone == "delivered"
    assert parcel.log[-1].data["changed"] == ["withdrawn"]


@pytest.mark.parametrize(
    ("scans", "fields"), [((), {}), (LIFE[:3], {"set_aside": ("yesterday",)})], ids=["empty", "unreadable"]
)
def test_an_empty_or_partly_unreadable_answer_withdraws_nothing(
    scans: tuple[Scan, ...], fields: dict[str, Any]
) -> None:
    parcel = Parcel()
    parcel.polled(snapshot(*LIFE))
    for _ in range(3):
        parcel.polled(snapshot(*scans, **fields), after=WITHDRAWN_AFTER)
    assert "tracking.scan_withdrawn" not in parcel.types


def test_a_scan_that_is_seen_again_in_between_is_not_withdrawn() -> None:
    parcel = Parcel()
    parcel.polled(snapshot(*LIFE))
    parcel.polled(snapshot(*LIFE[:3]))
    parcel.polled(snapshot(*LIFE), after=timedelta(minutes=30))
    parcel.polled(snapshot(*LIFE[:3]), after=timedelta(minutes=40))
    assert "tracking.scan_withdrawn" not in parcel.types


def test_a_status_without_a_time_is_amended_when_the_time_comes() -> None:
    parcel = Parcel()
    timeless = snapshot(*LIFE[:3], scan("delivered", None, placed=None))
    parcel.polled(timeless)
    assert parcel.projection.milestone == "delivered"
    key = timeless.scans[-1].key
    parcel.polled(snapshot(*LIFE[:3], scan("delivered", 30, supersedes=key)))
    assert parcel.types.count("tracking.scanned") == 4
    assert parcel.types[-1] == "tracking.scan_amended"
    latest = parcel.projection.state["scans"][-1]
    assert (latest["scanKey"], latest["occurrenceDatetime"]) == (key, "2026-03-01T12:30:00Z")
    assert parcel.polled(snapshot(*LIFE[:3], scan("delivered", 30, supersedes=key))).facts == []


def test_a_scan_filled_in_from_another_field_is_amended_once_and_a_second_of_its_kind_is_new() -> None:
    parcel = Parcel()
    filled = snapshot(scan("out", None, moment=LIFE[2].moment, placed=LIFE[2].placed))
    parcel.polled(filled)
    key = filled.scans[0].key
    first, second = scan("out", 21, supersedes=key), scan("out", 99)
    parcel.polled(snapshot(first))
    parcel.polled(snapshot(first, second))
    assert parcel.types == ["tracking.scanned", "tracking.scan_amended", "tracking.scanned"]
    earlier = scan("out", 5, supersedes=key)
    parcel.polled(snapshot(earlier, scan("out", 21), second))
    assert parcel.types[3:] == ["tracking.scanned"]


@pytest.mark.parametrize(
    ("types", "before", "after", "expected"),
    [
        ({"tracker.created"}, "pending", "pending", "tracker.created"),
        ({"tracker.stopped"}, "delivered", "delivered", "tracker.stopped"),
        ({"tracker.updated"}, "delivered", "delivered", "tracker.updated"),
        ({"tracker.updated", "tracker.stopped"}, "pending", "pending", "tracker.stopped"),
        ({"tracker.updated", "tracker.restarted"}, "pending", "pending", "tracker.restarted"),
        ({"tracking.scanned"}, "pending", "in_transit", "tracking.in_transit"),
        ({"tracking.scanned"}, "in_transit", "in_transit", "tracking.updated"),
        ({"tracking.shipment"}, "in_transit", "in_transit", "tracking.updated"),
        ({"tracking.scan_amended"}, "in_transit", "in_transit", "tracking.corrected"),
        ({"tracking.scan_withdrawn"}, "in_transit", "in_transit", "tracking.corrected"),
        ({"tracking.scan_withdrawn"}, "delivered", "in_transit", "tracking.in_transit"),
        ({"tracking.scan_amended", "tracking.scanned"}, "in_transit", "in_transit", "tracking.updated"),
    ],
)
def test_the_type_of_a_message(types: set[str], before: str, after: str, expected: str) -> None:
    assert message_type(frozenset(types), before, after) == expected
