"""Wrong in what is known and told: the log, its readers, the folds, callers' answers, who sees what."""

from tests.faults.doctored.changes import breaks, without
from tests.faults.made_up import MERCHANT, NUMBER, TRACKER, MadeUp


@breaks("D1", "I1", "I5", "I6")
def scan_lost(run: MadeUp) -> None:
    without(run.rows["events"], id="event 4")


@breaks("C1", "D1", "I1", "I2", "I5", "I6")
def push_lost(run: MadeUp) -> None:
    scan_lost(run)
    run.rows["trackers"][0]["number"] = "NOBODYS"
    run.notes["carrier"].append({"what": "pushed", "number": NUMBER, "scans": [2], "status": 200})


@breaks("D1", "I2", "I5", "I6")
def scan_doubled(run: MadeUp) -> None:
    run.rows["events"].append(
        {**run.rows["events"][3], "version": 5, "position": 5, "key": "scan 2 once more"}
    )


@breaks("I2")
def key_doubled(run: MadeUp) -> None:
    run.rows["events"][3]["key"] = run.rows["events"][2]["key"]


@breaks("I1", "I2")
def scan_made_up(run: MadeUp) -> None:
    run.rows["events"][3]["data"]["status"] = "Parcel 0 scan 9"


@breaks("D1", "I4")
def hole(run: MadeUp) -> None:
    run.rows["events"][3]["version"] = 5


@breaks("I4")
def versions_turned(run: MadeUp) -> None:
    run.rows["events"][2]["version"], run.rows["events"][3]["version"] = 4, 3


@breaks("I5")
def reader_skips(run: MadeUp) -> None:
    run.notes["feed"][0]["ids"].pop(1)


@breaks("I5")
def reader_from_zero_skips(run: MadeUp) -> None:
    run.notes["feed-whole"][0]["ids"].pop()


@breaks("I5")
def reader_turned(run: MadeUp) -> None:
    run.notes["feed"][0]["ids"].reverse()


@breaks("I5")
def read_of_another(run: MadeUp) -> None:
    run.notes["feed"][0]["ids"].append("bob's event")


@breaks("I6")
def milestone_astray(run: MadeUp) -> None:
    run.rows["trackers"][0]["milestone"] = "delivered"


@breaks("I6")
def version_astray(run: MadeUp) -> None:
    run.rows["trackers"][0]["version"] = 3


@breaks("I6")
def scans_astray(run: MadeUp) -> None:
    run.rows["trackers"][0]["state"]["scans"].pop()


@breaks("I6")
def astray_at_a_pause(run: MadeUp) -> None:
    run.notes["projections"].append({"compared": 1, "astray": [NUMBER]})


@breaks("I6")
def product_says_so(run: MadeUp) -> None:
    run.run["rebuild"] = 1


@breaks("E2")
def at_anothers_door(run: MadeUp) -> None:
    run.plan["endpoints"][1]["merchant"] = 1


@breaks("S1")
def led_astray(run: MadeUp) -> None:
    run.notes["subscribers"].append({"what": "forbidden", "peer": 1})


@breaks("C1")
def answered_and_not_there(run: MadeUp) -> None:
    run.notes["callers"][0]["tracker"] = "another"


@breaks("C1", "I6")
def made_twice(run: MadeUp) -> None:
    run.rows["trackers"].append({**run.rows["trackers"][0], "id": f"{TRACKER} again"})


@breaks("C1")
def anothers(run: MadeUp) -> None:
    run.rows["trackers"][0]["merchant"] = f"not {MERCHANT}"


@breaks("C2")
def with_anothers_key(run: MadeUp) -> None:
    run.notes["carrier"][0]["account"] = "key-of-1-at-all24"


@breaks("C2")
def asked_too_much(run: MadeUp) -> None:
    asked = run.notes["carrier"][0]
    run.notes["carrier"] += [{**asked, "n": n} for n in range(2, 13)]


@breaks("C1", "I5")
def event_of_another(run: MadeUp) -> None:
    run.rows["events"][2]["merchant"] = "bob"


@breaks("I6")
def never_compared(run: MadeUp) -> None:
    run.notes["projections"] = [{"compared": 0, "astray": []}]


@breaks("I6")
def scans_turned(run: MadeUp) -> None:
    run.rows["trackers"][0]["state"]["scans"].reverse()


@breaks("C2")
def asked_too_much_after_the_fault(run: MadeUp) -> None:
    asked_too_much(run)
    run.fault("kill_worker", 80.0, 81.0)
