"""What a soak is to be follows from its seed, at an even rate, with the later part sparing processes."""

from itertools import pairwise

import pytest

from tests.faults.harness.grips import WORKERS
from tests.faults.soak import capacity
from tests.faults.soak.load import _SPARING, plan_of

HOUR = plan_of(7, [(3600.0, 20.0)], faults=True)


def test_a_seed_is_always_the_same_soak() -> None:
    assert plan_of(7, [(3600.0, 20.0)], faults=True) == HOUR
    assert plan_of(8, [(3600.0, 20.0)], faults=True) != HOUR


def test_news_come_at_the_rate_that_was_asked_for_all_through() -> None:
    news = [scan["after"] for parcel in HOUR["parcels"] for scan in parcel["scans"]]
    for begin in range(300, 3300, 300):
        assert sum(begin <= each < begin + 300 for each in news) / 300 == pytest.approx(20.0, rel=0.15)


def test_every_scan_comes_before_the_end_and_after_the_one_before() -> None:
    for parcel in HOUR["parcels"]:
        moments = [parcel["made"], *(scan["after"] for scan in parcel["scans"])]
        assert all(one <= after for one, after in pairwise(moments))
        assert moments[-1] <= HOUR["seconds"]


def test_each_worker_meets_its_largest_batches_before_its_memory_is_looked_at() -> None:
    still = [fault for fault in HOUR["faults"] if fault["for"] >= 15 and fault["kind"] == "stand_still"]
    assert {fault["target"] for fault in still} == set(WORKERS)
    assert all(1200 <= fault["at"] <= 1400 for fault in still)
    assert all(fault["for"] < 10 for fault in HOUR["faults"] if fault["at"] > 1400)


def test_numbers_are_given_once() -> None:
    assert len({parcel["number"] for parcel in HOUR["parcels"]}) == len(HOUR["parcels"])


def test_a_fault_comes_about_every_minute_and_later_ones_leave_processes_alone() -> None:
    faults = HOUR["faults"]
    assert len(faults) >= 50
    assert {fault["kind"] for fault in faults if fault["at"] > 1300} <= _SPARING
    assert len({fault["kind"] for fault in faults}) >= 15


def test_capacity_is_the_last_rate_that_was_told_in_time() -> None:
    plan = capacity.plan_of(7)
    told = sorted(scan["after"] for parcel in plan["parcels"] for scan in parcel["scans"])
    notes, moment = [], 0.0
    for nth, happened in enumerate(told):  # at most 50 a second are told
        moment = max(happened, moment + 0.02)
        notes.append({"what": "arrived", "endpoint": 0, "id": str(nth), "mono": moment, "scans": ["one"]})
    found = capacity.of(plan, 0.0, notes, capacity.LASTS)
    assert [step.is_borne for step in found.steps] == [True, True, True, False, False]
    assert found.news == pytest.approx(40.0, rel=0.1)
    assert not found.is_least
