"""The check of the checker: a history in which all holds, and a change of it for all that may break."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.harness.judging import INVARIANTS
from tests.faults.harness.judging.evidence import Row
from tests.faults.made_up import MERCHANT, NUMBER, TRACKER, MadeUp

Doctor = Callable[[MadeUp], object]

#: Decided with a database: test_checker_rows.py has them.
_OF_ROWS = {"I3", "S3"}


@pytest.fixture
def run(tmp_path: Path) -> MadeUp:
    return MadeUp(tmp_path)


def _without(rows: list[Row], **named: object) -> None:
    rows[:] = [row for row in rows if any(row[name] != value for name, value in named.items())]


def _scan_lost(run: MadeUp) -> None:
    _without(run.rows["events"], id="event 4")


def _push_lost(run: MadeUp) -> None:
    _scan_lost(run)
    run.rows["trackers"][0]["number"] = "NOBODYS"
    run.notes["carrier"].append({"what": "pushed", "number": NUMBER, "scans": [2], "status": 200})


def _scan_doubled(run: MadeUp) -> None:
    run.rows["events"].append(
        {**run.rows["events"][3], "version": 5, "position": 5, "key": "scan 2 once more"}
    )


def _key_doubled(run: MadeUp) -> None:
    run.rows["events"][3]["key"] = run.rows["events"][2]["key"]


def _scan_made_up(run: MadeUp) -> None:
    run.rows["events"][3]["data"]["status"] = "Parcel 0 scan 9"


def _hole(run: MadeUp) -> None:
    run.rows["events"][3]["version"] = 5


def _versions_turned(run: MadeUp) -> None:
    run.rows["events"][2]["version"], run.rows["events"][3]["version"] = 4, 3


def _reader_skips(run: MadeUp) -> None:
    run.notes["feed"][0]["ids"].pop(1)


def _reader_from_zero_skips(run: MadeUp) -> None:
    run.notes["feed-whole"][0]["ids"].pop()


def _reader_turned(run: MadeUp) -> None:
    run.notes["feed"][0]["ids"].reverse()


def _read_of_another(run: MadeUp) -> None:
    run.notes["feed"][0]["ids"].append("bob's event")


def _milestone_astray(run: MadeUp) -> None:
    run.rows["trackers"][0]["milestone"] = "delivered"


def _version_astray(run: MadeUp) -> None:
    run.rows["trackers"][0]["version"] = 3


def _scans_astray(run: MadeUp) -> None:
    run.rows["trackers"][0]["state"]["scans"].pop()


def _astray_at_a_pause(run: MadeUp) -> None:
    run.notes["projections"].append({"compared": 1, "astray": [NUMBER]})


def _product_says_so(run: MadeUp) -> None:
    run.run["rebuild"] = 1


def _not_owed(run: MadeUp) -> None:
    _without(run.rows["deliveries"], id="delivery 3 0")


def _no_message(run: MadeUp) -> None:
    _without(run.rows["messages"], sequence=4)
    _without(run.rows["deliveries"], message="message 4")


def _never_arrived(run: MadeUp) -> None:
    run.retell(3)


def _torn_and_delivered(run: MadeUp) -> None:
    run.retell(3, (103.0, 0))


def _still_owed(run: MadeUp) -> None:
    run.rows["deliveries"][0]["state"] = "pending"


def _given_up_early(run: MadeUp) -> None:
    run.rows["deliveries"][0] |= {"state": "exhausted", "attempt_count": 2}


def _disabled_without_cause(run: MadeUp) -> None:
    run.rows["endpoints"][1]["state"] = "disabled"


def _other_bytes(run: MadeUp) -> None:
    run.notes["subscribers"][0]["digest"] = "digest 2"


def _other_id(run: MadeUp) -> None:
    run.notes["subscribers"][0]["id"] = "message 1 again"


def _badly_signed(run: MadeUp) -> None:
    run.notes["subscribers"][0]["signature"] = "wrong"


def _stale(run: MadeUp) -> None:
    run.notes["subscribers"][0]["timestamp"] -= 60


def _twice(run: MadeUp) -> None:
    run.retell(2, (102.0, 200), (103.0, 200))


def _wrong_previous(run: MadeUp) -> None:
    metadata = {"sequence": 3, "previousSequence": 1}
    run.rows["messages"][2]["body"] = json.dumps({"trackings": [{"metadata": metadata}]})


def _message_doubled(run: MadeUp) -> None:
    run.rows["messages"].append({**run.rows["messages"][3], "id": "message 4 again"})


def _out_of_order(run: MadeUp) -> None:
    for note in run.notes["subscribers"]:
        if (note["endpoint"], note["id"]) == (1, "message 2"):
            note["mono"] += 5.0


def _too_early(run: MadeUp) -> None:
    run.retell(2, (102.0, 503), (102.5, 200))


def _before_what_was_asked_for(run: MadeUp) -> None:
    run.retell(2, (102.0, 429), (103.1, 200), retry_after=3)


def _after_a_disabling(run: MadeUp) -> None:
    run.rows["endpoints"][0]["disabled_at"] = 50.0


def _not_on_record(run: MadeUp) -> None:
    run.retell(2, (102.0, 503), (103.1, 200))


def _never_came(run: MadeUp) -> None:
    run.rows["attempts"].append({**run.rows["attempts"][0], "number": 2})


def _miscounted(run: MadeUp) -> None:
    run.rows["attempts"][0]["number"] = 2


def _left_over(run: MadeUp) -> None:
    run.run["left"]["deliveries"] = 1


def _ended_badly(run: MadeUp) -> None:
    run.run["exits"]["worker"] = 1


def _too_many_at_once(run: MadeUp) -> None:
    for sequence in (2, 3, 4):
        run.retell(sequence, (110.0, 200), lasts=0.5)


def _not_at_every_door(run: MadeUp) -> None:
    run.retell(2, (102.0, 503))


def _at_anothers_door(run: MadeUp) -> None:
    run.plan["endpoints"][1]["merchant"] = 1


def _led_astray(run: MadeUp) -> None:
    run.notes["subscribers"].append({"what": "forbidden", "peer": 1})


def _answered_and_not_there(run: MadeUp) -> None:
    run.notes["callers"][0]["tracker"] = "another"


def _made_twice(run: MadeUp) -> None:
    run.rows["trackers"].append({**run.rows["trackers"][0], "id": f"{TRACKER} again"})


def _anothers(run: MadeUp) -> None:
    run.rows["trackers"][0]["merchant"] = f"not {MERCHANT}"


def _with_anothers_key(run: MadeUp) -> None:
    run.notes["carrier"][0]["account"] = "key-of-1-at-all24"


def _asked_too_much(run: MadeUp) -> None:
    asked = run.notes["carrier"][0]
    run.notes["carrier"] += [{**asked, "n": n} for n in range(2, 13)]


_DOCTORED: list[tuple[str, Doctor]] = [
    *[("I1", each) for each in (_scan_lost, _push_lost)],
    *[("I2", each) for each in (_scan_doubled, _key_doubled, _scan_made_up)],
    *[("I4", each) for each in (_hole, _versions_turned)],
    *[("I5", each) for each in (_reader_skips, _reader_from_zero_skips, _reader_turned, _read_of_another)],
    *[("I6", each) for each in (_milestone_astray, _version_astray, _scans_astray)],
    *[("I6", each) for each in (_astray_at_a_pause, _product_says_so)],
    *[("D1", each) for each in (_not_owed, _no_message, _never_arrived, _torn_and_delivered)],
    *[("D1", each) for each in (_still_owed, _given_up_early, _disabled_without_cause)],
    *[("D2", each) for each in (_other_bytes, _other_id, _badly_signed, _stale)],
    ("D3", _twice),
    *[("D4", each) for each in (_wrong_previous, _message_doubled, _out_of_order)],
    *[("D5", each) for each in (_too_early, _before_what_was_asked_for, _after_a_disabling)],
    *[("D7", each) for each in (_not_on_record, _never_came, _miscounted)],
    *[("D8", each) for each in (_left_over, _ended_badly)],
    ("D9", _too_many_at_once),
    ("E1", _not_at_every_door),
    ("E2", _at_anothers_door),
    ("S1", _led_astray),
    *[("C1", each) for each in (_answered_and_not_there, _made_twice, _anothers)],
    *[("C2", each) for each in (_with_anothers_key, _asked_too_much)],
]


def test_of_a_history_in_which_all_holds_nothing_is_said(run: MadeUp) -> None:
    assert run.violated() == set()


@pytest.mark.parametrize(
    ("name", "doctor"), _DOCTORED, ids=[f"{name}{doctor.__name__}" for name, doctor in _DOCTORED]
)
def test_what_breaks_an_invariant_is_found_out(run: MadeUp, name: str, doctor: Doctor) -> None:
    doctor(run)
    assert run.found(name)


def test_every_invariant_has_something_that_breaks_it() -> None:
    assert {name for name, _ in _DOCTORED} == INVARIANTS.keys() - _OF_ROWS


def test_what_a_fault_cut_off_may_come_twice(run: MadeUp) -> None:
    _twice(run)
    fault = {"fault": 0, "kind": "kill_worker"}
    run.plan["faults"].append(fault)
    run.notes["nemesis"] = [
        {"what": "began", "mono": 101.9, **fault},
        {"what": "ended", "mono": 102.1, **fault},
    ]
    assert not run.found("D3")


def test_but_not_what_came_long_before_the_fault(run: MadeUp) -> None:
    _twice(run)
    fault = {"fault": 0, "kind": "kill_worker"}
    run.plan["faults"].append(fault)
    run.notes["nemesis"] = [
        {"what": "began", "mono": 105.0, **fault},
        {"what": "ended", "mono": 106.0, **fault},
    ]
    assert run.found("D3")


def test_a_check_that_looked_at_nothing_has_proved_nothing(run: MadeUp) -> None:
    run.notes["subscribers"] = []
    run.rows |= {"messages": [], "deliveries": []}
    assert {"D2", "D3", "D4", "D9", "E1", "E2"} <= run.violated()
