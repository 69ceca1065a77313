"""Which faults befall a run follows from its seed, and over fifty seeds each kind has its turns."""

from collections import Counter
from random import Random

import pytest

from tests.faults.harness.acts import ACTS
from tests.faults.harness.grips import PROGRAMS
from tests.faults.harness.kinds import (
    CALM_AFTER,
    CALM_BEFORE,
    FEWEST,
    KINDS,
    MOST,
    faults_every,
    faults_of,
    named,
)
from tests.faults.harness.plan import plan_of
from tests.faults.harness.points import POINTS

SECONDS = 30.0
#: As `make test-faults` has them.
FIFTY = {seed: plan_of(seed, SECONDS)["faults"] for seed in range(1, 51)}


def test_a_seed_has_always_the_same_faults_and_another_seed_others() -> None:
    assert plan_of(7, SECONDS)["faults"] == FIFTY[7]
    assert len({str(faults) for faults in FIFTY.values()}) == 50


def test_over_fifty_seeds_each_kind_comes_at_least_five_times() -> None:
    counts = Counter(fault["kind"] for faults in FIFTY.values() for fault in faults)
    assert {kind.name for kind in KINDS if counts[kind.name] < 5} == set()


def test_a_run_has_its_share_of_faults_and_some_at_the_same_time() -> None:
    assert all(FEWEST <= len(faults) <= MOST for faults in FIFTY.values())
    together = [
        (one, other)
        for faults in FIFTY.values()
        for one in faults
        for other in faults
        if one["at"] < other["at"] < one["at"] + one["for"]
    ]
    assert len(together) > 100


def test_every_fault_begins_and_ends_within_the_run() -> None:
    for faults in FIFTY.values():
        assert all(fault["at"] >= CALM_BEFORE for fault in faults)
        assert all(fault["at"] + fault["for"] <= SECONDS - CALM_AFTER + 0.1 for fault in faults)


def test_what_does_not_go_together_is_apart() -> None:
    groups = {kind.name: kind.group for kind in KINDS if kind.group}
    for faults in FIFTY.values():
        told = [fault for fault in faults if fault["kind"] in groups]
        for earlier, later in [(a, b) for nth, a in enumerate(told) for b in told[nth + 1 :]]:
            if groups[earlier["kind"]] == groups[later["kind"]]:
                assert earlier["at"] + earlier["for"] < later["at"]


@pytest.mark.parametrize("seconds", [6.0, 12.0])
def test_a_short_run_has_what_fits(seconds: float) -> None:
    drawn = [faults_of(Random(seed), seconds) for seed in range(20)]
    assert all(fault["at"] + fault["for"] < seconds for faults in drawn for fault in faults)
    assert any(drawn)


def test_a_run_may_be_given_kinds() -> None:
    faults = faults_of(Random(1), SECONDS, named(["kill_worker", "net_cut"]))
    assert {fault["kind"] for fault in faults} <= {"kill_worker", "net_cut"}
    assert len(faults) >= FEWEST - 1
    with pytest.raises(KeyError):
        named(["meteor"])


def test_a_long_run_has_one_about_every_minute() -> None:
    faults = faults_every(Random(1), 3600, 60)
    assert len(faults) == 60
    assert all(60 * nth <= fault["at"] < 60 * nth + 60 for nth, fault in enumerate(faults))
    assert len({fault["kind"] for fault in faults}) > 15


def test_each_kind_has_an_act_and_befalls_what_there_is() -> None:
    assert {kind.name for kind in KINDS} == set(ACTS)
    others = {"sender", "everything", "all", "postgres", "valkey", "carrier", "fleet"}
    for kind in KINDS:
        assert set(kind.targets) <= {*PROGRAMS, *others}
        if kind.name.startswith("die_"):
            assert set(kind.hows) <= set(POINTS)
