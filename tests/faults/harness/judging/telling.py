"""What subscribers are told: all that is owed, the same at every try, once unless a fault came, in order."""

import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from tests.faults.harness.judging.evidence import Evidence, Row
from tests.faults.harness.judging.finding import Finding
from tests.faults.harness.judging.windows import clocked, cutting, overlaps

#: Of these, an append tells nobody where it has nothing else.
_SILENT = frozenset({"tracking.scan_amended", "tracking.scan_withdrawn"})
#: How tries are on record that may have arrived, and whose answer nobody has heard.
UNHEARD = frozenset({"abandoned", "timeout", "connect_timeout", "connection_reset"})
#: Seconds by which a timestamp may be older than the arrival: the deadline of a try, and a busy machine.
_FRESH, _SHIFTED = 20.0, 630.0
#: Seconds after which another try of a message has another timestamp.
_ANEW = 2.0


class Arrival(NamedTuple):
    """One request and how it was answered. `status` 0: not, or not in time, or not to its end.

    `said`: the status in time or not, 0 for none. `wait`: the seconds that Retry-After asked for.
    """

    note: Row
    at: float
    answered: float
    status: int
    said: int
    wait: float

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300


def arrivals(seen: Evidence) -> dict[tuple[int, str], list[Arrival]]:
    """By number of the endpoint and id of the message, in order."""
    answers = {note["n"]: note for note in seen.subscribers if note["what"] == "answered"}
    found = defaultdict(list)
    for note in seen.subscribers:
        if note["what"] == "arrived":
            answer = answers.get(note["n"])
            ended = answer["mono"] if answer else note["mono"] + seen.deadline
            in_time = answer is not None and ended - note["mono"] < seen.deadline
            said = answer["status"] if answer else 0
            status = said if in_time else 0
            wait = answer.get("retry_after", 0.0) if answer and in_time else 0.0
            found[note["endpoint"], note["id"]].append(Arrival(note, note["mono"], ended, status, said, wait))
    return found


def all_that_is_owed_arrives(seen: Evidence) -> Finding:
    """D1. Each append that tells, and nothing else, is delivered to all who want it, or given up in full."""
    found = Finding()
    messages = {(row["stream"], row["sequence"]): row for row in seen.messages.values()}
    told: set[tuple[str, int]] = set()
    for stream, sequence, merchant in _appends(seen):
        told.add((stream, sequence))
        message = messages.get((stream, sequence))
        for endpoint in seen.endpoints.values():
            if seen.merchants[endpoint["merchant"]] == merchant and _wants(endpoint, message):
                name = f"{seen.numbers.get(stream)} {sequence} to endpoint {endpoint['n']}"
                owed = message is not None and (endpoint["n"], message["id"]) in seen.deliveries
                found.look(owed, f"{name} is not owed")
    for (stream, sequence), message in messages.items():
        right = stream not in seen.numbers or (stream, sequence) in told
        found.look(
            right, f"{message['id']} tells {sequence} of {seen.numbers.get(stream)}, which says nothing"
        )
    _look_at_deliveries(seen, found)
    for endpoint in seen.endpoints.values():
        well = endpoint["behaviour"] not in {"gone", "redirecting"}
        said = f"endpoint {endpoint['n']} is {endpoint['state']}, and gave no cause"
        found.look(not well or endpoint["state"] == "active", said)
    found.look(bool(told), "no append tells anything")
    return found


def a_message_stays_the_same(seen: Evidence) -> Finding:
    """D2, S2. All requests of a message have its bytes, its id, a good signature and a fresh timestamp."""
    found = Finding()
    windows = clocked(seen)
    for (endpoint, id_), every in arrivals(seen).items():
        message = seen.messages.get(id_)
        name = f"endpoint {endpoint}, message {id_}"
        for one in every:
            right = message is not None and one.note["digest"] == message["digest"]
            found.look(right, f"{name}: other bytes than the message's")
            found.look(one.note["signature"] == "ok", f"{name}: the signature is wrong")
            age = one.note["at"] - one.note["timestamp"]
            fresh = _SHIFTED if overlaps(windows, one.at, one.at) else _FRESH
            found.look(abs(age) <= fresh, f"{name}: the timestamp is {age:.0f} s old")
        for one, after in pairwise(every):
            anew = after.at - one.at < _ANEW or after.note["timestamp"] != one.note["timestamp"]
            found.look(anew, f"{name}: a later try has the timestamp of the one before")
    return found


def only_faults_double(seen: Evidence) -> Finding:
    """D3. A message that was taken comes again only where a fault may have cut its try off.

    That is so where a try is on record as none that was answered: its sender gave up, or died. Each such
    explains one arrival more, and one that died only while a fault was about. A try that is on record as
    taken is the last. Without faults there is no excuse.
    """
    found = Finding()
    windows = cutting(seen)
    for pair, every in arrivals(seen).items():
        name = f"endpoint {pair[0]}, message {pair[1]}"
        taken, tries = [one for one in every if one.succeeded], seen.tries[pair]
        recorded = [one["number"] for one in tries if 200 <= (one["status"] or 0) < 300]
        found.look(len(recorded) <= 1, f"{name}: the tries {recorded} are on record as taken")
        after = [one["number"] for one in tries if recorded and one["number"] > recorded[0]]
        found.look(not after, f"{name}: taken on record by try {recorded}, and the tries {after} follow")
        unheard = [one["error"] for one in tries if one["error"] in UNHEARD] if seen.plan["faults"] else []
        again = max(0, len(taken) - 1)
        moments = [round(one.at - seen.began, 1) for one in taken]
        said = f"{name}: taken at {moments} s"
        found.look(again <= len(unheard), f"{said}, and only {len(unheard)} of its tries were cut off")
        for one in taken[:-1]:
            near = overlaps(windows, one.at, one.answered + 1.0) or set(unheard) - {"abandoned"}
            found.look(bool(near), f"{said}, though no fault was about")
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
    _look_at_ordered(seen, found)
    return found


def _look_at_ordered(seen: Evidence, found: Finding) -> None:
    """An ordered endpoint gets nothing of a parcel before it has taken what is older, or that is given up."""
    ordered = {one["n"] for one in seen.endpoints.values() if one["ordered"]}
    heard: dict[tuple[int, str], list[tuple[int, list[Arrival]]]] = defaultdict(list)
    for (endpoint, id_), every in arrivals(seen).items():
        message = seen.messages.get(id_)
        if endpoint in ordered and message:
            heard[endpoint, message["stream"]].append((message["sequence"], every))
    for (endpoint, stream), told in heard.items():
        over = 0.0
        for sequence, every in sorted(told, key=lambda one: one[0]):
            said = f"endpoint {endpoint} heard {sequence} of {stream} before what is older"
            found.look(every[0].at >= over, said)
            over = max(over, next((one.at for one in every if one.succeeded), every[-1].at))


def _look_at_deliveries(seen: Evidence, found: Finding) -> None:
    """Each is of a message of the endpoint's merchant that it wants, and is over."""
    there = arrivals(seen)
    by_number = {one["n"]: one for one in seen.endpoints.values()}
    for (n, message_id), row in seen.deliveries.items():
        endpoint, message = by_number[n], seen.messages[message_id]
        name = f"{message['type']} {message['sequence']} of {message['stream']} to endpoint {n}"
        own = message["merchant"] == seen.merchants[endpoint["merchant"]]
        found.look(own and _wants(endpoint, message), f"{name} is owed, and should not be")
        found.look(*_is_done(row, endpoint, there[n, message_id], seen.tries[n, message_id], name))


def _wants(endpoint: Row, message: Row | None) -> bool:
    """By its filter, which is all or what is about tracking."""
    return "*" in endpoint["types"] or message is None or message["type"].startswith("tracking.")


def _is_done(row: Row, endpoint: Row, every: list[Arrival], tries: list[Row], name: str) -> tuple[bool, str]:
    taken = any(200 <= (one["status"] or 0) < 300 for one in tries)
    if row["state"] == "delivered":
        arrived = taken and any(one.succeeded for one in every)
        return arrived, f"{name} is delivered, and never arrived well"
    if row["state"] == "exhausted":
        whole = len(endpoint["schedule"]) + 1
        done = not taken and min(row["attempt_count"], len(tries)) >= whole
        return done, f"{name} is given up after {len(tries)} tries, counted as {row['attempt_count']}"
    over = endpoint["state"] != "active" and endpoint["behaviour"] == "gone"
    return over, f"{name} is {row['state']}, the endpoint {endpoint['state']}"


def _appends(seen: Evidence) -> Iterator[tuple[str, int, str]]:
    """Of each append about a tracker that tells: stream, last version, merchant.

    Events of one append share the moment at which they were recorded.
    """
    appends: dict[tuple[str, object], list[Row]] = defaultdict(list)
    for event in seen.events:
        if event["stream"] in seen.numbers:
            appends[event["stream"], event["recorded_at"]].append(event)
    for (stream, _), events in appends.items():
        if not {event["type"] for event in events} <= _SILENT:
            last = max(int(event["version"]) for event in events)
            yield stream, last, events[0]["merchant"]
