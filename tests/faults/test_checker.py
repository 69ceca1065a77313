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


def _event_of_another(run: MadeUp) -> None:
    run.rows["events"][2]["merchant"] = "bob"


def _never_compared(run: MadeUp) -> None:
    run.notes["projections"] = [{"compared": 0, "astray": []}]


def _scans_turned(run: MadeUp) -> None:
    run.rows["trackers"][0]["state"]["scans"].reverse()


def _owed_against_the_filter(run: MadeUp) -> None:
    run.rows["messages"][0]["type"] = "tracker.created"
    for told in (run.plan["endpoints"], run.run["endpoints"]):
        told[1]["types"] = ["tracking.*"]


def _owed_to_another(run: MadeUp) -> None:
    run.rows["messages"][1]["merchant"] = "bob"


def _told_of_nothing(run: MadeUp) -> None:
    run.rows["messages"].append({**run.rows["messages"][3], "id": "message 5", "sequence": 5})


def _given_up_by_count_alone(run: MadeUp) -> None:
    run.rows["deliveries"][2] |= {"state": "exhausted", "attempt_count": 3}


def _given_up_though_taken(run: MadeUp) -> None:
    run.rows["deliveries"][2] |= {"state": "exhausted", "attempt_count": 3}
    run.on_record(2, 503, 503, 200)
    run.retell(2, (102.0, 503), (103.1, 503), (104.2, 200))


def _old_timestamp(run: MadeUp) -> None:
    run.retell(2, (102.0, 503), (105.0, 200))
    run.on_record(2, 503, 200)
    run.notes["subscribers"][-2]["timestamp"] = 102.0


def _stale_before_the_clock_is_wrong(run: MadeUp) -> None:
    _stale(run)
    run.fault("clock", 150.0, 160.0)


def _twice_on_record(run: MadeUp) -> None:
    run.fault("kill_worker", 101.9, 102.1)
    run.retell(2, (102.0, 200), (103.1, 200))
    run.on_record(2, 200, 200)


def _thrice_for_one_that_was_cut_off(run: MadeUp) -> None:
    run.fault("kill_worker", 101.9, 104.0)
    run.retell(2, (102.0, 200), (103.1, 200), (104.2, 200))
    run.on_record(2, "abandoned", 503, 200)


def _twice_by_chance_within_a_fault(run: MadeUp) -> None:
    run.fault("kill_worker", 101.9, 102.1)
    _twice(run)


def _cut_off_without_a_fault(run: MadeUp) -> None:
    run.retell(2, (102.0, 200), (103.1, 200))
    run.on_record(2, "abandoned", 200)


def _cut_off_long_before_the_fault(run: MadeUp) -> None:
    _cut_off_without_a_fault(run)
    run.fault("kill_worker", 105.0, 106.0)


def _newer_while_older_waits(run: MadeUp) -> None:
    run.retell(2, (102.0, 503), (103.5, 200), endpoint=1)
    run.on_record(2, 503, 200, endpoint=1)


def _soon_after_a_reset(run: MadeUp) -> None:
    run.retell(2, (102.0, 0), (102.3, 200))
    run.on_record(2, "protocol_error", 200)


def _soon_beside_one_that_was_cut_off(run: MadeUp) -> None:
    run.fault("kill_worker", 120.0, 121.0)
    run.retell(2, (102.0, 503), (102.3, 200))
    run.on_record(2, 503, "abandoned", 200)


def _too_often(run: MadeUp) -> None:
    run.retell(2, *((102.0 + 1.1 * nth, 503) for nth in range(6)), (109.0, 200))
    run.on_record(2, *[503] * 6, 200)


def _otherwise_on_record(run: MadeUp) -> None:
    run.retell(2, (102.0, 503), (103.1, 200))
    run.on_record(2, 500, 200)


def _timed_out_and_never_came(run: MadeUp) -> None:
    run.on_record(2, "timeout", 200)


def _not_owed_and_came(run: MadeUp) -> None:
    run.rows["messages"].append({**run.rows["messages"][0], "stream": "an endpoint", "id": "message 9"})
    run.tell(0, 9, 120.0)
    run.notes["subscribers"][-2]["digest"] = "digest 1"
    run.notes["subscribers"][-2]["scans"] = []


def _done_and_claimed(run: MadeUp) -> None:
    run.rows["deliveries"][0]["claimed"] = True


def _never_healed(run: MadeUp) -> None:
    run.fault("stand_still", 101.0, None)


def _slow_to_end(run: MadeUp) -> None:
    run.run["ending"]["worker"] = 45.0


def _too_many_after_the_fault(run: MadeUp) -> None:
    _too_many_at_once(run)
    run.fault("kill_worker", 90.0, 91.0)


def _asked_too_much_after_the_fault(run: MadeUp) -> None:
    _asked_too_much(run)
    run.fault("kill_worker", 80.0, 81.0)


#: What is changed, and all that must be said to be broken by it.
_DOCTORED: list[tuple[str, Doctor]] = [
    ("D1 I1 I5 I6", _scan_lost),
    ("C1 D1 I1 I2 I5 I6", _push_lost),
    ("D1 I2 I5 I6", _scan_doubled),
    ("I2", _key_doubled),
    ("I1 I2", _scan_made_up),
    ("D1 I4", _hole),
    ("I4", _versions_turned),
    ("I5", _reader_skips),
    ("I5", _reader_from_zero_skips),
    ("I5", _reader_turned),
    ("I5", _read_of_another),
    ("I6", _milestone_astray),
    ("I6", _version_astray),
    ("I6", _scans_astray),
    ("I6", _astray_at_a_pause),
    ("I6", _product_says_so),
    ("D1 D7", _not_owed),
    ("D1 D2 D7", _no_message),
    ("D1 D7 E1", _never_arrived),
    ("D1 D7 E1", _torn_and_delivered),
    ("D1", _still_owed),
    ("D1", _given_up_early),
    ("D1", _disabled_without_cause),
    ("D2", _other_bytes),
    ("D1 D2 D7", _other_id),
    ("D2", _badly_signed),
    ("D2", _stale),
    ("D3 D7", _twice),
    ("D4", _wrong_previous),
    ("D1 D4", _message_doubled),
    ("D4", _out_of_order),
    ("D5 D7", _too_early),
    ("D5 D7", _before_what_was_asked_for),
    ("D5", _after_a_disabling),
    ("D7", _not_on_record),
    ("D3 D7", _never_came),
    ("D7", _miscounted),
    ("D8", _left_over),
    ("D8", _ended_badly),
    ("D9", _too_many_at_once),
    ("D1 D7 E1", _not_at_every_door),
    ("E2", _at_anothers_door),
    ("S1", _led_astray),
    ("C1", _answered_and_not_there),
    ("C1 I6", _made_twice),
    ("C1", _anothers),
    ("C2", _with_anothers_key),
    ("C2", _asked_too_much),
    ("C1 I5", _event_of_another),
    ("I6", _never_compared),
    ("I6", _scans_turned),
    ("D1", _owed_against_the_filter),
    ("D1", _owed_to_another),
    ("D1 D4", _told_of_nothing),
    ("D1", _given_up_by_count_alone),
    ("D1", _given_up_though_taken),
    ("D2", _old_timestamp),
    ("D2", _stale_before_the_clock_is_wrong),
    ("D3", _twice_on_record),
    ("D3 D7", _thrice_for_one_that_was_cut_off),
    ("D3 D7", _twice_by_chance_within_a_fault),
    ("D3", _cut_off_without_a_fault),
    ("D3", _cut_off_long_before_the_fault),
    ("D4", _newer_while_older_waits),
    ("D5", _soon_after_a_reset),
    ("D5", _soon_beside_one_that_was_cut_off),
    ("D5", _too_often),
    ("D7", _otherwise_on_record),
    ("D7", _timed_out_and_never_came),
    ("D7", _not_owed_and_came),
    ("D8", _done_and_claimed),
    ("D8", _never_healed),
    ("D8", _slow_to_end),
    ("D9", _too_many_after_the_fault),
    ("C2", _asked_too_much_after_the_fault),
]


def test_of_a_history_in_which_all_holds_nothing_is_said(run: MadeUp) -> None:
    assert run.violated() == set()


@pytest.mark.parametrize(
    ("names", "doctor"), _DOCTORED, ids=[doctor.__name__.strip("_") for _, doctor in _DOCTORED]
)
def test_what_breaks_an_invariant_is_found_out_and_nothing_else_is_said(
    run: MadeUp, names: str, doctor: Doctor
) -> None:
    doctor(run)
    assert run.violated() == set(names.split())


def test_every_invariant_has_something_that_breaks_it() -> None:
    assert {name for names, _ in _DOCTORED for name in names.split()} == INVARIANTS.keys() - _OF_ROWS


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
    _too_many_at_once(run)


def _asked_beside_who_was_killed(run: MadeUp) -> None:
    run.fault("kill_worker", 100.0, 100.5)
    _asked_too_much(run)


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
