"""Wrong in messages and their deliveries: what is owed, what arrived and when, what is on record."""

import json

from tests.faults.doctored.changes import breaks, without
from tests.faults.made_up import MadeUp


@breaks("D1", "D7")
def not_owed(run: MadeUp) -> None:
    without(run.rows["deliveries"], id="delivery 3 0")


@breaks("D1", "D2", "D7")
def no_message(run: MadeUp) -> None:
    without(run.rows["messages"], sequence=4)
    without(run.rows["deliveries"], message="message 4")


@breaks("D1", "D7", "E1")
def never_arrived(run: MadeUp) -> None:
    run.retell(3)


@breaks("D1", "D7", "E1")
def torn_and_delivered(run: MadeUp) -> None:
    run.retell(3, (103.0, 0))


@breaks("D1")
def still_owed(run: MadeUp) -> None:
    run.rows["deliveries"][0]["state"] = "pending"


@breaks("D1")
def given_up_early(run: MadeUp) -> None:
    run.rows["deliveries"][0] |= {"state": "exhausted", "attempt_count": 2}


@breaks("D1")
def disabled_without_cause(run: MadeUp) -> None:
    run.rows["endpoints"][1]["state"] = "disabled"


@breaks("D2")
def other_bytes(run: MadeUp) -> None:
    run.notes["subscribers"][0]["digest"] = "digest 2"


@breaks("D1", "D2", "D7")
def other_id(run: MadeUp) -> None:
    run.notes["subscribers"][0]["id"] = "message 1 again"


@breaks("D2")
def badly_signed(run: MadeUp) -> None:
    run.notes["subscribers"][0]["signature"] = "wrong"


@breaks("D2")
def stale(run: MadeUp) -> None:
    run.notes["subscribers"][0]["timestamp"] -= 60


@breaks("D3", "D7")
def twice(run: MadeUp) -> None:
    run.retell(2, (102.0, 200), (103.0, 200))


@breaks("D4")
def wrong_previous(run: MadeUp) -> None:
    metadata = {"sequence": 3, "previousSequence": 1}
    run.rows["messages"][2]["body"] = json.dumps({"trackings": [{"metadata": metadata}]})


@breaks("D1", "D4")
def message_doubled(run: MadeUp) -> None:
    run.rows["messages"].append({**run.rows["messages"][3], "id": "message 4 again"})


@breaks("D4")
def out_of_order(run: MadeUp) -> None:
    for note in run.notes["subscribers"]:
        if (note["endpoint"], note["id"]) == (1, "message 2"):
            note["mono"] += 5.0


@breaks("D5", "D7")
def too_early(run: MadeUp) -> None:
    run.retell(2, (102.0, 503), (102.5, 200))


@breaks("D5", "D7")
def before_what_was_asked_for(run: MadeUp) -> None:
    run.retell(2, (102.0, 429), (103.1, 200), retry_after=3)


@breaks("D5")
def after_a_disabling(run: MadeUp) -> None:
    run.rows["endpoints"][0]["disabled_at"] = 50.0


@breaks("D7")
def not_on_record(run: MadeUp) -> None:
    run.retell(2, (102.0, 503), (103.1, 200))


@breaks("D3", "D7")
def never_came(run: MadeUp) -> None:
    run.rows["attempts"].append({**run.rows["attempts"][0], "number": 2})


@breaks("D7")
def miscounted(run: MadeUp) -> None:
    run.rows["attempts"][0]["number"] = 2


@breaks("D8")
def left_over(run: MadeUp) -> None:
    run.run["left"]["deliveries"] = 1


@breaks("D8")
def ended_badly(run: MadeUp) -> None:
    run.run["exits"]["worker"] = 1


@breaks("D9")
def too_many_at_once(run: MadeUp) -> None:
    for sequence in (2, 3, 4):
        run.retell(sequence, (110.0, 200), lasts=0.5)


@breaks("D1", "D7", "E1")
def not_at_every_door(run: MadeUp) -> None:
    run.retell(2, (102.0, 503))


@breaks("D1")
def owed_against_the_filter(run: MadeUp) -> None:
    run.rows["messages"][0]["type"] = "tracker.created"
    for told in (run.plan["endpoints"], run.run["endpoints"]):
        told[1]["types"] = ["tracking.*"]


@breaks("D1")
def owed_to_another(run: MadeUp) -> None:
    run.rows["messages"][1]["merchant"] = "bob"


@breaks("D1", "D4")
def told_of_nothing(run: MadeUp) -> None:
    run.rows["messages"].append({**run.rows["messages"][3], "id": "message 5", "sequence": 5})


@breaks("D1")
def given_up_by_count_alone(run: MadeUp) -> None:
    run.rows["deliveries"][2] |= {"state": "exhausted", "attempt_count": 3}


@breaks("D1")
def given_up_though_taken(run: MadeUp) -> None:
    run.rows["deliveries"][2] |= {"state": "exhausted", "attempt_count": 3}
    run.on_record(2, 503, 503, 200)
    run.retell(2, (102.0, 503), (103.1, 503), (104.2, 200))


@breaks("D2")
def old_timestamp(run: MadeUp) -> None:
    run.retell(2, (102.0, 503), (105.0, 200))
    run.on_record(2, 503, 200)
    run.notes["subscribers"][-2]["timestamp"] = 102.0


@breaks("D2")
def stale_before_the_clock_is_wrong(run: MadeUp) -> None:
    stale(run)
    run.fault("clock", 150.0, 160.0)


@breaks("D3")
def twice_on_record(run: MadeUp) -> None:
    run.fault("kill_worker", 101.9, 102.1)
    run.retell(2, (102.0, 200), (103.1, 200))
    run.on_record(2, 200, 200)


@breaks("D3", "D7")
def thrice_for_one_that_was_cut_off(run: MadeUp) -> None:
    run.fault("kill_worker", 101.9, 104.0)
    run.retell(2, (102.0, 200), (103.1, 200), (104.2, 200))
    run.on_record(2, "abandoned", 503, 200)


@breaks("D3", "D7")
def twice_by_chance_within_a_fault(run: MadeUp) -> None:
    run.fault("kill_worker", 101.9, 102.1)
    twice(run)


@breaks("D3")
def cut_off_without_a_fault(run: MadeUp) -> None:
    run.retell(2, (102.0, 200), (103.1, 200))
    run.on_record(2, "abandoned", 200)


@breaks("D3")
def cut_off_long_before_the_fault(run: MadeUp) -> None:
    cut_off_without_a_fault(run)
    run.fault("kill_worker", 105.0, 106.0)


@breaks("D4")
def newer_while_older_waits(run: MadeUp) -> None:
    run.retell(2, (102.0, 503), (103.5, 200), endpoint=1)
    run.on_record(2, 503, 200, endpoint=1)


@breaks("D5")
def soon_after_a_reset(run: MadeUp) -> None:
    run.retell(2, (102.0, 0), (102.3, 200))
    run.on_record(2, "protocol_error", 200)


@breaks("D5")
def soon_beside_one_that_was_cut_off(run: MadeUp) -> None:
    run.fault("kill_worker", 120.0, 121.0)
    run.retell(2, (102.0, 503), (102.3, 200))
    run.on_record(2, 503, "abandoned", 200)


@breaks("D5")
def too_often(run: MadeUp) -> None:
    run.retell(2, *((102.0 + 1.1 * nth, 503) for nth in range(6)), (109.0, 200))
    run.on_record(2, *[503] * 6, 200)


@breaks("D7")
def otherwise_on_record(run: MadeUp) -> None:
    run.retell(2, (102.0, 503), (103.1, 200))
    run.on_record(2, 500, 200)


@breaks("D7")
def timed_out_and_never_came(run: MadeUp) -> None:
    run.on_record(2, "timeout", 200)


@breaks("D7")
def not_owed_and_came(run: MadeUp) -> None:
    run.rows["messages"].append({**run.rows["messages"][0], "stream": "an endpoint", "id": "message 9"})
    run.tell(0, 9, 120.0)
    run.notes["subscribers"][-2]["digest"] = "digest 1"
    run.notes["subscribers"][-2]["scans"] = []


@breaks("D8")
def done_and_claimed(run: MadeUp) -> None:
    run.rows["deliveries"][0]["claimed"] = True


@breaks("D8")
def never_healed(run: MadeUp) -> None:
    run.fault("stand_still", 101.0, None)


@breaks("D8")
def slow_to_end(run: MadeUp) -> None:
    run.run["ending"]["worker"] = 45.0


@breaks("D9")
def too_many_after_the_fault(run: MadeUp) -> None:
    too_many_at_once(run)
    run.fault("kill_worker", 90.0, 91.0)
