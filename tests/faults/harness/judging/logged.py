"""The log: nothing lost, doubled or changed, no holes, no reader skips, and the projection is its fold."""

from collections import Counter, defaultdict
from typing import Any

import psycopg

from tests.faults.harness.judging.evidence import Evidence
from tests.faults.harness.judging.finding import Finding
from tests.faults.harness.judging.sampling import fingerprint

_SCANNED, _AMENDED = "tracking.scanned", "tracking.scan_amended"
#: What the role of the application must not be able to do to the log.
_FORBIDDEN = (
    "UPDATE events_event SET type = type",
    "DELETE FROM events_event",
    "TRUNCATE events_event",
)


def nothing_is_lost(seen: Evidence) -> Finding:
    """I1. Every scan of a followed parcel, and every scan whose push was taken, is in the log."""
    found = Finding()
    known = {(seen.numbers.get(event["stream"]), event["data"]["status"]) for event in _scanned(seen)}
    followed = set(seen.numbers.values())
    texts = {
        parcel["number"]: {scan["n"]: scan["text"] for scan in parcel["scans"]}
        for parcel in seen.plan["parcels"]
    }
    for number in followed & texts.keys():
        for text in texts[number].values():
            found.look((number, text) in known, f"{text!r} of {number} is not in the log")
    for note in seen.carrier:
        if note["what"] == "pushed" and 200 <= note["status"] < 300:
            for scan in note["scans"]:
                text = texts[note["number"]][scan]
                found.look((note["number"], text) in known, f"{text!r} was pushed, taken and lost")
    return found


def nothing_is_doubled(seen: Evidence) -> Finding:
    """I2. Each scan is there once, and no key twice in a stream; and no carrier ever told of another."""
    found = Finding()
    true = {(parcel["number"], scan["text"]) for parcel in seen.plan["parcels"] for scan in parcel["scans"]}
    scans = Counter((seen.numbers.get(each["stream"]), each["data"]["status"]) for each in _scanned(seen))
    for scan, count in scans.items():
        found.look(count == 1, f"{scan} is in the log {count} times")
        found.look(scan in true, f"{scan} is in the log, and no carrier told it")
    keys = Counter((each["stream"], each["key"]) for each in seen.events if each["key"] is not None)
    for key, count in keys.items():
        found.look(count == 1, f"the key {key} is there {count} times")
    return found


def nothing_is_changed(seen: Evidence) -> Finding:
    """I3. What was seen of the log at pauses is there unchanged, and the application may not touch it."""
    found = Finding()
    for sample in seen.samples:
        now = fingerprint(seen.database, sample["merchant"], sample["position"])
        was = (sample["count"], sample["hash"])
        found.look(
            now == was, f"the log of {sample['merchant']} up to {sample['position']}: {was}, now {now}"
        )
    found.look(bool(seen.samples), "nobody looked at the log during the run")
    with psycopg.connect(seen.run["app_database"], autocommit=True) as app:
        for statement in _FORBIDDEN:
            try:
                app.execute(statement)
            except psycopg.errors.InsufficientPrivilege:
                found.look(True, "")
            except psycopg.Error as other:
                found.look(False, f"the application has the grant to {statement}: {other}")
            else:
                found.look(False, f"the application may {statement}")
    return found


def versions_have_no_holes(seen: Evidence) -> Finding:
    """I4. The versions of each stream are 1 to n, in the order of positions."""
    found = Finding()
    versions: dict[str, list[int]] = defaultdict(list)
    for event in seen.events:
        versions[event["stream"]].append(event["version"])
    for stream, told in versions.items():
        found.look(told == [*range(1, len(told) + 1)], f"the versions of {stream} are {told}")
    return found


def readers_see_the_same(seen: Evidence) -> Finding:
    """I5. Who followed the feed, and who read it whole, saw what the database has, in its order."""
    found = Finding()
    tail, whole = seen.feed("feed.jsonl"), seen.feed("feed-whole.jsonl")
    for nth, merchant in enumerate(seen.merchants):
        there = [event["id"] for event in seen.events if event["merchant"] == merchant]
        for name, read in (("follows", tail[nth]), ("reads whole", whole[nth])):
            missing, extra = set(there) - set(read), set(read) - set(there)
            said = f"who {name} the feed of {nth}: {len(missing)} missing, {len(extra)} of nobody"
            found.look(read == there, f"{said}, {len(read)} of {len(there)} in all")
            found.looked_at += len(there)
    found.look(bool(seen.events), "the log is empty")
    return found


def the_projection_is_the_log(seen: Evidence) -> Finding:
    """I6. Of each tracker version, scans and milestone follow from its events; the product says so too.

    At pauses of the run version and number of scans are compared, of all trackers at one moment.
    """
    found = Finding()
    events = defaultdict(list)
    for event in seen.events:
        events[event["stream"]].append(event)
    for tracker in seen.rows["trackers"]:
        own = events[tracker["id"]]
        scans = [event["data"] for event in own if event["type"] == _SCANNED]
        keys = sorted(scan["scanKey"] for scan in scans)
        projected = [scan[0] for scan in tracker["state"]["scans"]]
        newest = max(scans, key=lambda scan: scan["placedAt"], default=None)
        milestone = newest["statusMilestone"] if newest else "pending"
        found.look(tracker["version"] == len(own), f"{tracker['number']}: version {tracker['version']}")
        found.look(sorted(projected) == keys, f"{tracker['number']}: has {projected}, the log {keys}")
        places = [_places(own).get(key, "") for key in projected]
        found.look(places == sorted(places), f"{tracker['number']}: its scans stand at {places}")
        said = f"{tracker['number']}: is {tracker['milestone']}, its newest scan says {milestone}"
        found.look(tracker["milestone"] == milestone, said)
    found.look(bool(seen.rows["trackers"]), "there are no trackers")
    compared = any(pause["compared"] for pause in seen.projections)
    found.look(compared, "during the run no projection was compared with the log")
    for pause in seen.projections:
        found.look(not pause["astray"], f"during the run the log said otherwise of {pause['astray'][:5]}")
    found.look(seen.run["rebuild"] == 0, f"rebuild_trackers --check: {seen.run['rebuild_said']}")
    return found


def _places(events: list[dict[str, Any]]) -> dict[str, Any]:
    """By key of a scan: where it stands, by the newest of what the log says of that."""
    told = [event["data"] for event in events if event["type"] in {_SCANNED, _AMENDED}]
    return {data["scanKey"]: data["placedAt"] for data in told if "placedAt" in data}


def _scanned(seen: Evidence) -> list[dict[str, object]]:
    return [event for event in seen.events if event["type"] == _SCANNED]
