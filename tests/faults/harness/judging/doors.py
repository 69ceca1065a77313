"""At the subscribers' doors: all that carriers told has arrived, and nobody heard of another's parcels.

What is here is decided without the database: from the plan, from what callers were answered, and from what
subscribers wrote down.
"""

from collections import defaultdict

from tests.faults.harness.judging.evidence import Evidence
from tests.faults.harness.judging.finding import Finding
from tests.faults.harness.judging.telling import arrivals

#: Subscribers who are not told to the end: they said that they are gone, or never take anything.
_GIVEN_UP = frozenset({"gone", "redirecting"})


def every_scan_reaches_every_door(seen: Evidence) -> Finding:
    """E1. Each scan of a parcel whose creation was answered was taken by each subscriber of its merchant."""
    found = Finding()
    taken = _taken(seen)
    followed = {
        note["number"]
        for note in seen.callers
        if note["what"] == "answered" and note["key"] and 200 <= note["status"] < 300
    }
    for parcel in seen.plan["parcels"]:
        if parcel["number"] in followed:
            texts = {scan["text"] for scan in parcel["scans"]}
            for endpoint in seen.plan["endpoints"]:
                if endpoint["merchant"] == parcel["merchant"] and endpoint["behaviour"] not in _GIVEN_UP:
                    missing = sorted(texts - taken[endpoint["n"]])
                    found.look(not missing, f"endpoint {endpoint['n']} was never told {missing}")
    if not followed:
        found.look(False, "no creation was answered")
    return found


def nobody_hears_of_others(seen: Evidence) -> Finding:
    """E2. What arrived at a subscriber's is of a parcel of its merchant, whether it was taken or not."""
    found = Finding()
    owners = {scan["text"]: parcel["merchant"] for parcel in seen.plan["parcels"] for scan in parcel["scans"]}
    merchants = {one["n"]: one["merchant"] for one in seen.plan["endpoints"]}
    for note in seen.subscribers:
        if note["what"] == "arrived":
            for text in note["scans"]:
                own = owners.get(text) == merchants[note["endpoint"]]
                found.look(own, f"endpoint {note['endpoint']} was told {text!r}, which is not its merchant's")
    return found


def _taken(seen: Evidence) -> dict[int, set[str]]:
    """By number of the endpoint: the texts of all scans that it was told and answered with success."""
    found: dict[int, set[str]] = defaultdict(set)
    for (endpoint, _), every in arrivals(seen).items():
        for one in every:
            if one.succeeded:
                found[endpoint].update(one.note["scans"])
    return found
