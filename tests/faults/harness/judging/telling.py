"""What subscribers are told: all that is owed, the same at every try, once unless a fault came, in order."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from tests.faults.harness.judging.evidence import Evidence, Row
from tests.faults.harness.judging.finding import Finding
from tests.faults.harness.judging.windows import cutting, overlaps

#: Of these, an append tells nobody where it has nothing else.
_SILENT = frozenset({"tracking.scan_amended", "tracking.scan_withdrawn"})
#: How tries are on record that may have arrived, and whose answer nobody has heard.
_UNHEARD = frozenset({"abandoned", "timeout", "connect_timeout", "connection_reset"})
#: Seconds by which a timestamp may be older than the arrival: the deadline of a try, and a busy machine.
_FRESH, _SHIFTED = 20.0, 630.0


class Arrival(NamedTuple):
    """One request and how it was answered. `status` 0: not, or not in time, or not to its end.

    `wait`: the seconds that Retry-After asked for.
    """

    note: Row
    at: float
    answered: float
    status: int
    wait: float

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300


def arrivals(seen: Evidence) -> dict[tuple[int, str], list[Arrival]]:
    """By number of the endpoint and id of the message, in order."""
    deadline = float(seen.run["environment"]["DELIVERY_DEADLINE"])
    answers = {note["n"]: note for note in seen.subscribers if note["what"] == "answered"}
    found = defaultdict(list)
    for note in seen.subscribers:
        if note["what"] == "arrived":
            answer = answers.get(note["n"])
            ended = answer["mono"] if answer else note["mono"] + deadline
            in_time = answer is not None and ended - note["mono"] < deadline
            status = answer["status"] if answer and in_time else 0
            wait = answer.get("retry_after", 0.0) if answer and in_time else 0.0
            found[note["endpoint"], note["id"]].append(Arrival(note, note["mono"], ended, status, wait))
    return found


def all_that_is_owed_arrives(seen: Evidence) -> Finding:
    """D1. Each append that tells is delivered to each endpoint that wants it, or given up in full."""
    found = Finding()
    there = arrivals(seen)
    deliveries = {(row["message"], row["endpoint"]): row for row in seen.rows["deliveries"]}
    messages = {(row["stream"], row["sequence"]): row for row in seen.messages.values()}
    for stream, sequence, merchant, created in _appends(seen):
        message = messages.get((stream, sequence))
        for endpoint in _takers(seen, merchant, created):
            name = f"{seen.numbers.get(stream)} {sequence} to endpoint {endpoint['n']}"
            if message is None or (message["id"], endpoint["id"]) not in deliveries:
                found.look(False, f"{name} is not owed")
                continue
            row = deliveries[message["id"], endpoint["id"]]
            found.look(*_is_done(row, endpoint, there[endpoint["n"], message["id"]], name))
    for (message_id, endpoint_id), row in deliveries.items():
        endpoint = seen.endpoints[endpoint_id]
        name = f"{seen.messages[message_id]['type']} to endpoint {endpoint['n']}"
        found.look(*_is_done(row, endpoint, there[endpoint["n"], message_id], name))
    for endpoint in seen.endpoints.values():
        well = endpoint["behaviour"] not in {"gone", "redirecting"}
        said = f"endpoint {endpoint['n']} is {endpoint['state']}, and gave no cause"
        found.look(not well or endpoint["state"] == "active", said)
    return found


def a_message_stays_the_same(seen: Evidence) -> Finding:
    """D2, S2. All requests of a message have its bytes, its id, a good signature and a fresh timestamp."""
    found = Finding()
    fresh = _SHIFTED if any(fault["kind"] == "clock" for fault in seen.plan["faults"]) else _FRESH
    for (endpoint, id_), every in arrivals(seen).items():
        message = seen.messages.get(id_)
        for one in every:
            name = f"endpoint {endpoint}, message {id_}"
            right = message is not None and one.note["digest"] == message["digest"]
            found.look(right, f"{name}: other bytes than the message's")
            found.look(one.note["signature"] == "ok", f"{name}: the signature is wrong")
            age = one.note["at"] - one.note["timestamp"]
            found.look(abs(age) <= fresh, f"{name}: the timestamp is {age:.0f} s old")
    return found


def only_faults_double(seen: Evidence) -> Finding:
    """D3. A message that was taken comes again only where a fault may have cut its try off.

    That is so while one was about that kills senders or takes what they hold, and where a try is on record
    as none that was answered: its sender gave up, or died. Without faults there is no excuse.
    """
    found = Finding()
    windows = cutting(seen)
    unheard = _unheard(seen) if seen.plan["faults"] else set()
    for (endpoint, id_), every in arrivals(seen).items():
        taken = [one for one in every if one.succeeded]
        found.looked_at += 1
        for one in taken[:-1]:
            excused = (endpoint, id_) in unheard or overlaps(windows, one.at, one.answered + 1.0)
            found.look(
                excused,
                f"endpoint {endpoint}, message {id_}: taken at {one.at - seen.began:.1f} s, and again",
            )
    return found


def messages_are_in_order(seen: Evidence) -> Finding:
    """D4. previousSequence leads from each message to the one before; ordered endpoints hear them so."""
    found = Finding()
    streams: dict[str, list[Row]] = defaultdict(list)
    for message in seen.messages.values():
        if message["stream"] in seen.numbers:
            streams[message["stream"]].append(message)
    for told in streams.values():
        before = None
        for message in sorted(told, key=lambda one: int(one["sequence"])):
            metadata = json.loads(message["body"])["trackings"][0]["metadata"]
            said = (metadata["sequence"], metadata["previousSequence"])
            found.look(said == (message["sequence"], before), f"{message['id']}: {said}, after {before}")
            before = message["sequence"]
    ordered = {one["n"] for one in seen.endpoints.values() if one["ordered"]}
    heard: dict[tuple[int, str], list[tuple[float, int]]] = defaultdict(list)
    for (endpoint, id_), every in arrivals(seen).items():
        message = seen.messages.get(id_)
        first = next((one for one in every if one.succeeded), None)
        if endpoint in ordered and message and first:
            heard[endpoint, message["stream"]].append((first.at, message["sequence"]))
    for (endpoint, stream), told in heard.items():
        sequences = [sequence for _, sequence in sorted(told)]
        found.look(sequences == sorted(sequences), f"endpoint {endpoint} heard of {stream}: {sequences}")
    return found


def _unheard(seen: Evidence) -> set[tuple[int, str]]:
    """Endpoints and messages of which a try was cut off, timed out or was reset."""
    pairs = {row["id"]: (row["endpoint"], row["message"]) for row in seen.rows["deliveries"]}
    found = set()
    for attempt in seen.rows["attempts"]:
        if attempt["error"] in _UNHEARD:
            endpoint, message = pairs[attempt["delivery"]]
            found.add((seen.endpoints[endpoint]["n"], message))
    return found


def _is_done(row: Row, endpoint: Row, every: list[Arrival], name: str) -> tuple[bool, str]:
    if row["state"] == "delivered":
        arrived = any(one.succeeded for one in every)
        return arrived, f"{name} is delivered, and never arrived well"
    if row["state"] == "exhausted":
        done = row["attempt_count"] >= len(endpoint["schedule"]) + 1
        return done, f"{name} is given up after {row['attempt_count']} tries"
    over = endpoint["state"] != "active" and endpoint["behaviour"] == "gone"
    return over, f"{name} is {row['state']}, the endpoint {endpoint['state']}"


def _appends(seen: Evidence) -> Iterator[tuple[str, int, str, bool]]:
    """Of each append about a tracker that tells: stream, last version, merchant, whether it made the tracker.

    Events of one append share the moment at which they were recorded.
    """
    appends: dict[tuple[str, object], list[Row]] = defaultdict(list)
    for event in seen.events:
        if event["stream"] in seen.numbers:
            appends[event["stream"], event["recorded_at"]].append(event)
    for (stream, _), events in appends.items():
        if not {event["type"] for event in events} <= _SILENT:
            last = max(int(event["version"]) for event in events)
            yield stream, last, events[0]["merchant"], events[0]["type"].startswith("tracker.")


def _takers(seen: Evidence, merchant: str, created: bool) -> Iterator[Row]:
    """The merchant's endpoints whose filters let it through."""
    nth = seen.merchants.index(merchant)
    for endpoint in seen.endpoints.values():
        if endpoint["merchant"] == nth and ("*" in endpoint["types"] or not created):
            yield endpoint
