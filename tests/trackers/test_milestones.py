"""Where a parcel is by its scans: the rule that docs/milestones.md tells. Pure."""

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.statuses import Milestone
from trackers.milestones import (
    A_DAY,
    NEW_LEG_AFTER,
    ZONES_APART,
    ScanEntry,
    place,
    quarantined,
    standing,
    timeline,
    where,
)
from trackers.placing import placed_at

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEG = NEW_LEG_AFTER / timedelta(minutes=1)
#: What carriers say, as (status code, milestone, whether it is their last word).
WORDS: dict[str, tuple[str | None, str | None, bool]] = {
    "created": ("data_order_created", "info_received", False),
    "picked up": ("transit_handover", "in_transit", False),
    "moving": (None, "in_transit", False),
    "out": ("delivery_out_for_delivery", "out_for_delivery", False),
    "tried": ("delivery_attempted", "failed_attempt", False),
    "waits": ("delivery_available_for_pickup", "available_for_pickup", False),
    "delivered": ("delivery_delivered", "delivered", True),
    "going back": ("exception_return", "exception", False),
    "returned": ("exception_return", "exception", True),
    "lost": ("exception_lost", "exception", True),
    "cancelled": ("data_order_cancelled", "exception", True),
    "puzzling": (None, None, False),
}


def scan(word: str, minute: float = 0, **fields: Any) -> ScanEntry:
    """A known scan, some minutes after NOON."""
    status, milestone, final = WORDS[word]
    return {
        "scanKey": f"all24|{minute:08.1f}|{word}|1",
        "courierCode": "all24",
        "placedAt": placed_at(NOON + timedelta(minutes=minute)),
        "order": 0,
        "version": 1,
        "timeCertainty": "exact",
        "statusCode": status,
        "statusMilestone": milestone,
        "final": final,
        "withdrawn": False,
        "quarantined": False,
        "word": word,
    } | fields


def life(*said: tuple[str, float]) -> list[ScanEntry]:
    return sorted((scan(word, minute) for word, minute in said), key=place)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        # Nothing, and nothing that says where it is
        ((), "pending"),
        ((("puzzling", 0),), "pending"),
        ((("moving", 0), ("puzzling", 5)), "in_transit"),
        # An ordinary life, in whatever order it is told
        ((("created", 0), ("picked up", 10), ("out", 20), ("delivered", 30)), "delivered"),
        ((("delivered", 30), ("created", 0), ("out", 20), ("picked up", 10)), "delivered"),
        ((("out", 0), ("tried", 60), ("out", 600)), "out_for_delivery"),
        ((("tried", 0), ("waits", 5)), "available_for_pickup"),
        # A driver's scans in the wrong order
        ((("delivered", 0), ("out", 5)), "delivered"),
        ((("delivered", 0), ("moving", 0)), "delivered"),
        ((("delivered", 0), ("tried", LEG - 1)), "delivered"),
        ((("delivered", 0), ("lost", LEG - 1)), "delivered"),
        # A delivery that was none, and a number that goes out again
        ((("delivered", 0), ("tried", LEG)), "failed_attempt"),
        ((("delivered", 0), ("picked up", LEG)), "in_transit"),
        ((("delivered", 0), ("created", 200_000)), "info_received"),
        ((("delivered", 0), ("picked up", LEG), ("delivered", LEG + 60)), "delivered"),
        ((("delivered", 0), ("picked up", LEG), ("delivered", LEG + 60), ("out", LEG + 70)), "delivered"),
        # Told again, a delivery holds from then on; what it held against does not lengthen it
        ((("delivered", 0), ("delivered", 300), ("out", LEG + 60)), "delivered"),
        ((("delivered", 0), ("out", 300), ("out", LEG)), "out_for_delivery"),
        # Returns
        ((("delivered", 0), ("going back", 5)), "delivered"),
        ((("delivered", 0), ("going back", LEG)), "exception"),
        ((("going back", 0), ("moving", 5)), "in_transit"),
        ((("returned", 0), ("moving", 5)), "exception"),
        ((("returned", 0), ("picked up", LEG)), "in_transit"),
        # Handed back to its sender, it is returned, whichever of the two words comes first
        ((("delivered", 0), ("returned", 5)), "exception"),
        ((("returned", 0), ("delivered", 5)), "exception"),
        ((("delivered", 0), ("returned", 5), ("delivered", 10)), "exception"),
        ((("returned", 0), ("delivered", LEG)), "delivered"),
        # Lost and cancelled are no ends
        ((("lost", 0), ("out", 5)), "out_for_delivery"),
        ((("cancelled", 0), ("picked up", 0.1)), "in_transit"),
        ((("lost", 0), ("delivered", 5), ("lost", 10)), "delivered"),
    ],
)
def test_where_a_parcel_is(said: tuple[tuple[str, float], ...], expected: str) -> None:
    assert where(life(*said))[0] == expected


@pytest.mark.parametrize(
    ("certainty", "minute", "expected"),
    [
        ("exact", LEG, "out_for_delivery"),
        ("date_only", LEG, "delivered"),
        ("date_only", LEG + A_DAY / timedelta(minutes=1) - 1, "delivered"),
        ("date_only", LEG + A_DAY / timedelta(minutes=1), "out_for_delivery"),
        ("unknown", LEG, "out_for_delivery"),
    ],
)
def test_a_delivery_on_a_day_may_have_been_at_its_end(certainty: str, minute: float, expected: str) -> None:
    assert where([scan("delivered", timeCertainty=certainty), scan("out", minute)])[0] == expected


@pytest.mark.parametrize("unsure", ["delivered", "out"])
@pytest.mark.parametrize(("more", "expected"), [(-1, "delivered"), (0, "out_for_delivery")])
def test_two_couriers_are_as_far_apart_as_zones_where_one_has_assumed_its_own(
    unsure: str, more: float, expected: str
) -> None:
    far = (NEW_LEG_AFTER + ZONES_APART) / timedelta(minutes=1)
    scans = [scan("delivered"), scan("out", far + more, courierCode="ship24")]
    for one in scans:
        one["timeCertainty"] = "zone_assumed" if one["word"] == unsure else "exact"
    assert where(scans)[0] == expected


def test_one_courier_assumes_the_same_zone_for_all_its_scans() -> None:
    scans = [scan("delivered"), scan("out", LEG)]
    assert where([one | {"timeCertainty": "zone_assumed"} for one in scans])[0] == "out_for_delivery"


def test_an_end_at_the_end_of_all_years_holds() -> None:
    last = "9999-12-31T23:59:59.000000Z"
    scans = [scan("delivered", placedAt=last), scan("out", placedAt=last, order=1)]
    assert where(scans)[0] == "delivered"


def test_status_code_and_last_word_are_those_of_the_scan_that_stands() -> None:
    scans = life(("out", 0), ("delivered", 10), ("out", 15), ("puzzling", 20))
    assert where(scans) == ("delivered", "delivery_delivered", True)
    found = standing(scans)
    assert found
    assert found["placedAt"] == placed_at(NOON + timedelta(minutes=10))


def test_a_scan_that_is_held_shows_where_the_parcel_is_and_sets_nothing() -> None:
    steps = list(timeline(life(("delivered", 0), ("out", 5))))
    assert [(one.milestone, one.sets, one.says) for one in steps] == [
        ("delivered", True, "delivered"),
        ("delivered", False, "out_for_delivery"),
    ]


def test_what_is_withdrawn_or_quarantined_counts_for_nothing() -> None:
    scans = life(("created", 0), ("delivered", 10), ("lost", 20))
    scans[1]["withdrawn"] = scans[2]["quarantined"] = True
    assert where(scans) == ("info_received", "data_order_created", False)
    assert [one["word"] for one in quarantined(scans)] == ["lost"]


def test_scans_from_before_the_quarantine_count() -> None:
    old = scan("moving")
    del old["quarantined"]
    assert where([old])[0] == "in_transit"
    assert not list(quarantined([old]))


def test_of_one_moment_each_courier_has_its_own_order() -> None:
    told = [
        scan("moving", courierCode="all24", order=0),
        scan("out", courierCode="all24", order=1),
        scan("created", courierCode="ship24", order=0),
        scan("moving", courierCode="ship24", order=1),
    ]
    for listed in itertools.permutations(told):
        assert sorted(listed, key=place) == told


SAID = st.lists(st.tuples(st.sampled_from(sorted(WORDS)), st.integers(0, 3000)), max_size=12)


@given(said=SAID, seed=st.integers())
def test_the_order_in_which_scans_became_known_is_no_matter(said: list[tuple[str, int]], seed: int) -> None:
    scans = [scan(word, minute, order=nth) for nth, (word, minute) in enumerate(said)]
    shuffled = random.Random(seed).sample(scans, len(scans))
    for version, one in enumerate(shuffled):
        one["version"] = version
    assert where(sorted(shuffled, key=place)) == where(sorted(scans, key=place))


@given(said=SAID)
def test_the_timeline_ends_where_the_parcel_is(said: list[tuple[str, int]]) -> None:
    steps = list(timeline(scans := life(*said)))
    assert [one.scan for one in steps] == scans
    assert where(scans)[0] == (steps[-1].milestone if steps else Milestone.PENDING)
    assert all(one.milestone == one.scan["statusMilestone"] for one in steps if one.sets)


@given(
    said=SAID.map(lambda said: [(word, minute) for word, minute in said if word != "returned"]),
    late=st.sampled_from(["created", "picked up", "moving", "out", "tried", "waits", "lost", "puzzling"]),
)
def test_no_late_word_moves_a_delivered_parcel_within_its_time(
    said: list[tuple[str, int]], late: str
) -> None:
    scans = life(*said, ("delivered", 3001), (late, 3001 + LEG - 1))
    assert where(scans) == where(scans[:-1])
    assert where(scans)[0] == "delivered"
