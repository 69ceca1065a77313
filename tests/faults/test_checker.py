"""The check of the checker: a history in which all holds, and a change of it for all that may break."""

from pathlib import Path

import pytest

from tests.faults.doctored import DOCTORED, Doctor, deliveries, knowledge
from tests.faults.harness.judging import INVARIANTS
from tests.faults.made_up import MadeUp

#: Decided with a database: test_checker_rows.py has them.
_OF_ROWS = {"I3", "S3"}


@pytest.fixture
def run(tmp_path: Path) -> MadeUp:
    return MadeUp(tmp_path)


def test_of_a_history_in_which_all_holds_nothing_is_said(run: MadeUp) -> None:
    assert run.violated() == set()


@pytest.mark.parametrize(("names", "doctor"), DOCTORED, ids=[doctor.__name__ for _, doctor in DOCTORED])
def test_what_breaks_an_invariant_is_found_out_and_nothing_else_is_said(
    run: MadeUp, names: frozenset[str], doctor: Doctor
) -> None:
    doctor(run)
    assert run.violated() == names


def test_every_invariant_has_something_that_breaks_it() -> None:
    assert frozenset().union(*(names for names, _ in DOCTORED)) == INVARIANTS.keys() - _OF_ROWS


def _killed_and_sent_again(run: MadeUp) -> None:
    """Taken by the subscriber, whose sender is killed with the answer in hand."""
    run.fault("kill_worker", 101.9, 102.1)
    run.retell(2, (102.0, 200), (103.1, 200))
    run.on_record(2, "abandoned", 200)


def _never_arrived_and_sent_again(run: MadeUp) -> None:
    run.fault("net_cut", 101.0, 102.0)
    run.on_record(2, "connection_reset", 200)


def _refused_by_who_was_cut_off(run: MadeUp) -> None:
    """The lease is over before the schedule would send it again."""
    run.fault("kill_worker", 101.9, 102.5)
    run.retell(2, (102.0, 503), (102.6, 200))
    run.on_record(2, "abandoned", 200)


def _given_up_in_full(run: MadeUp) -> None:
    run.rows["deliveries"][0] |= {"state": "exhausted", "attempt_count": 3}
    run.retell(1, (101.0, 503), (102.1, 503), (103.2, 503))
    run.on_record(1, 503, 503, 503)


def _clock_is_wrong(run: MadeUp) -> None:
    run.fault("clock", 100.5, 101.5)
    run.notes["subscribers"][0]["timestamp"] += 600


def _too_many_beside_who_was_killed(run: MadeUp) -> None:
    run.fault("kill_worker", 109.0, 109.5)
    deliveries.too_many_at_once(run)


def _asked_beside_who_was_killed(run: MadeUp) -> None:
    run.fault("kill_worker", 100.0, 100.5)
    knowledge.asked_too_much(run)


def _held_after_it_was_cut_off(run: MadeUp) -> None:
    run.rows["endpoints"][0] |= {"state": "disabled", "disabled_at": 200.0}
    for told in (run.plan["endpoints"], run.run["endpoints"]):
        told[0]["behaviour"] = "gone"
    run.rows["deliveries"][6] |= {"state": "held", "claimed": True}
    run.on_record(4)


@pytest.mark.parametrize(
    "excused",
    [
        _killed_and_sent_again,
        _never_arrived_and_sent_again,
        _refused_by_who_was_cut_off,
        _given_up_in_full,
        _clock_is_wrong,
        _too_many_beside_who_was_killed,
        _asked_beside_who_was_killed,
        _held_after_it_was_cut_off,
    ],
)
def test_what_a_fault_excuses_is_no_violation(run: MadeUp, excused: Doctor) -> None:
    excused(run)
    assert run.violated() - {"E1"} == set()


def test_who_ran_out_of_time_began_to_count_before_it_was_noted(run: MadeUp) -> None:
    """Its deadline is 3 seconds, its endpoint's cap 2."""
    for sequence, at in ((2, 110.0), (3, 110.1), (4, 112.9)):
        run.retell(sequence, (at, 200), lasts=8.0)
    assert not run.found("D9")
    run.retell(4, (112.4, 200))
    assert run.found("D9")


def test_a_check_that_looked_at_nothing_has_proved_nothing(run: MadeUp) -> None:
    for every in (*run.notes.values(), *run.rows.values()):
        every.clear()
    run.plan |= {"parcels": [], "endpoints": []}
    run.run |= {"left": {}, "exits": {}, "ending": {}}
    seen = run.evidence()
    found = {name: INVARIANTS[name](seen).as_json() for name in INVARIANTS.keys() - _OF_ROWS}
    silent = {name for name, one in found.items() if not one["violations"]}
    assert silent == {name for name, one in found.items() if one["nothing"]} == {"D5", "S1"}
