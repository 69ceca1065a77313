"""Who calls: a creation makes one tracker, of its own merchant; carriers are asked by whom and as may be."""

from collections import defaultdict

from tests.faults.harness.judging.evidence import Evidence
from tests.faults.harness.judging.finding import Finding
from tests.faults.harness.judging.windows import NOTED, cutting, most_at_once

#: Calls with one account at once.
_CAP = 10


def each_creation_makes_one_tracker(seen: Evidence) -> Finding:
    """C1. What was answered is there, once, and its caller's; what was not answered is there once at most."""
    found = Finding()
    trackers = {row["id"]: row for row in seen.rows["trackers"]}
    for event in seen.events:
        if event["stream"] in trackers:
            own = event["merchant"] == trackers[event["stream"]]["merchant"]
            found.look(own, f"event {event['id']} is not of its tracker's merchant")
    of_number = defaultdict(list)
    for row in trackers.values():
        of_number[row["number"]].append(row["id"])
    for number, ids in of_number.items():
        found.look(len(ids) == 1, f"{number} has {len(ids)} trackers")
    for note in seen.callers:
        if note["what"] == "answered" and note["key"] and 200 <= note["status"] < 300:
            row = trackers.get(note["tracker"])
            right = row is not None and row["number"] == note["number"]
            found.look(right, f"the creation of {note['number']} was answered, and is not there")
            own = row is not None and row["merchant"] == seen.merchants[note["merchant"]]
            found.look(own, f"the tracker of {note['number']} is another merchant's")
    return found


def accounts_are_asked_as_they_may_be(seen: Evidence) -> Finding:
    """C2. Each parcel is asked about with its merchant's key, and no key has more calls open than the cap."""
    found = Finding()
    keys = {
        (parcel["number"], f"key-of-{parcel['merchant']}-at-{parcel['courier']}")
        for parcel in seen.plan["parcels"]
    }
    deadline = float(seen.run["environment"]["CARRIER_DEADLINE"]) - NOTED
    ends = {note["n"]: note["mono"] for note in seen.carrier if note["what"] in {"answered", "cut"}}
    calls: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for note in seen.carrier:
        if note["what"] == "asked":
            who = f"{note['number']} is asked about with {note['account']}"
            found.look((note["number"], note["account"]) in keys or not note["number"], who)
            end = min(ends.get(note["n"], note["mono"] + deadline), note["mono"] + deadline)
            calls[note["account"]].append((note["mono"], end))
    windows = cutting(seen)
    for account, every in calls.items():
        most, above = most_at_once(every, windows, _CAP)
        found.look(above <= 0, f"{account} had {most} calls at once, {above} too many")
    return found
