"""What a run is to be follows from its seed alone."""

import json
import subprocess
import sys

from tests.faults.harness.plan import MERCHANTS, Size, digest, plan_of
from tests.processes import ROOT

PLANS = {seed: plan_of(seed) for seed in range(1, 51)}


def test_a_seed_is_the_same_plan_in_any_process() -> None:
    program = "from tests.faults.harness.plan import digest, plan_of; print(digest(plan_of(7)))"
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == digest(PLANS[7])


def test_seeds_differ() -> None:
    assert len({digest(plan) for plan in PLANS.values()}) == 50


def test_a_plan_is_what_its_file_says() -> None:
    assert all(json.loads(json.dumps(plan)) == plan for plan in PLANS.values())


def test_without_faults_a_seed_has_the_same_parcels_and_endpoints() -> None:
    calm = plan_of(7, kinds=None)
    assert calm["faults"] == []
    assert calm | {"faults": PLANS[7]["faults"]} == PLANS[7]


def test_no_two_parcels_and_no_two_scans_of_a_run_are_alike() -> None:
    for plan in PLANS.values():
        parcels = plan["parcels"]
        texts = [scan["text"] for parcel in parcels for scan in parcel["scans"]]
        assert len({parcel["number"] for parcel in parcels}) == len(parcels)
        assert len({parcel["key"] for parcel in parcels}) == len(parcels)
        assert len(set(texts)) == len(texts)


def test_scans_happen_in_their_order_and_all_within_the_run() -> None:
    for plan in PLANS.values():
        for parcel in plan["parcels"]:
            moments = [scan["after"] for scan in parcel["scans"]]
            assert moments == sorted(moments)
            assert 0 <= moments[0] <= moments[-1] <= plan["seconds"]


def test_each_merchant_has_parcels_of_both_carriers_and_a_quick_subscriber_who_hears_everything() -> None:
    for plan in PLANS.values():
        both = {(parcel["merchant"], parcel["by"]) for parcel in plan["parcels"]}
        assert both == {(merchant, by) for merchant in range(MERCHANTS) for by in ("poll", "push")}
        quick = [one for one in plan["endpoints"] if one["behaviour"] == "quick"]
        assert [one["merchant"] for one in quick] == [*range(MERCHANTS)]
        assert all(one["types"] == ["*"] for one in quick)


def test_over_fifty_seeds_subscribers_are_of_every_kind_and_some_callers_give_up() -> None:
    behaviours = {one["behaviour"] for plan in PLANS.values() for one in plan["endpoints"]}
    assert len(behaviours) == 9
    assert any(parcel["gives_up"] for plan in PLANS.values() for parcel in plan["parcels"])


def test_a_size_says_how_much_there_is_to_do() -> None:
    assert len(plan_of(1, 100.0, size=Size(parcels=5.0))["parcels"]) == 350
