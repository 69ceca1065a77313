"""How is sent: no try too early, a true record of all tries, never too many at once, and an end to it."""

from collections import Counter, defaultdict
from itertools import pairwise

from tests.faults.harness.judging.evidence import Evidence, Row
from tests.faults.harness.judging.finding import Finding
from tests.faults.harness.judging.telling import arrivals
from tests.faults.harness.judging.windows import cutting

#: Seconds by which what two processes note of one moment may differ.
_MOMENT = 0.05
#: An attempt whose sender died: nobody knows whether it arrived, or how it was answered.
_ABANDONED = "abandoned"
#: Seconds after an endpoint was disabled in which tries that had begun may arrive.
_STILL = 12.0


def no_try_is_too_early(seen: Evidence) -> Finding:
    """D5. A refused try is followed as schedule and Retry-After say; none comes after a disabling."""
    found = Finding()
    attempts = _attempts(seen)
    ids = {(row["endpoint"], row["message"]): row["id"] for row in seen.rows["deliveries"]}
    endpoints = {one["n"]: one for one in seen.endpoints.values()}
    for (n, message), every in arrivals(seen).items():
        endpoint = endpoints[n]
        tries = attempts[ids.get((endpoint["id"], message), "")]
        if any(one["error"] == _ABANDONED for one in tries):
            continue  # the schedule counts what was recorded, not what arrived
        for step, (one, after) in enumerate(pairwise(every)):
            if one.status >= 300:
                planned = endpoint["schedule"][step] if step < len(endpoint["schedule"]) else 0.0
                waits = max(planned, one.wait)
                gap = after.at - one.answered
                said = f"endpoint {n}, message {message}: try {step + 2} after {gap:.2f} s, not {waits}"
                found.look(gap >= waits - _MOMENT, said)
    _look_after_disabling(seen, found)
    return found


def the_record_is_true(seen: Evidence) -> Finding:
    """D7. What arrived is on record: as many attempts as requests, but for those whose sender died."""
    found = Finding()
    attempts = _attempts(seen)
    there = arrivals(seen)
    for row in seen.rows["deliveries"]:
        tries = attempts[row["id"]]
        came = len(there[seen.endpoints[row["endpoint"]]["n"], row["message"]])
        answered = sum(one["status"] is not None for one in tries)
        # One that was cut off, and is held since, is recorded once it is let go, cancelled or given up.
        cut_off = row["state"] == "held" and row["claimed"]
        name = f"delivery {row['id']}"
        said = f"{name}: {came} came, {len(tries)} tried, {answered} answered"
        found.look(answered <= came <= len(tries) + cut_off, said)
        numbers = [one["number"] for one in tries]
        found.look(numbers == [*range(1, len(numbers) + 1)], f"{name}: its tries are {numbers}")
    return found


def everything_calms_down(seen: Evidence) -> Finding:
    """D8. Once faults are over, nothing stays due, claimed or owed; and every program ends in order."""
    found = Finding()
    for what, count in seen.run["left"].items():
        found.look(not count, f"{count} {what} were left after the calm")
    for name, status in seen.run["exits"].items():
        found.look(status == 0, f"{name} ended with {status}")
    found.looked_at += len(seen.rows["deliveries"])
    return found


def no_more_at_once_than_may_be(seen: Evidence) -> Finding:
    """D9. An endpoint never has more requests open than its cap; twice as many where senders were cut off."""
    found = Finding()
    allowed = 2 if cutting(seen) else 1
    moments: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for (endpoint, _), every in arrivals(seen).items():
        for one in every:
            moments[endpoint] += [(one.at, 1), (one.answered, -1)]
    caps = {one["n"]: one["max_in_flight"] for one in seen.endpoints.values()}
    for endpoint, every in moments.items():
        most = now = 0
        for _, change in sorted(every):
            now += change
            most = max(most, now)
        found.look(most <= caps[endpoint] * allowed, f"endpoint {endpoint} had {most} at once")
    return found


def _attempts(seen: Evidence) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in seen.rows["attempts"]:
        found[row["delivery"]].append(row)
    return found


def _look_after_disabling(seen: Evidence, found: Finding) -> None:
    disabled = {
        one["n"]: one["disabled_at"] for one in seen.endpoints.values() if one["disabled_at"] is not None
    }
    late = Counter(
        note["endpoint"]
        for note in seen.subscribers
        if note["what"] == "arrived" and note["at"] > disabled.get(note["endpoint"], note["at"]) + _STILL
    )
    for endpoint in disabled:
        found.look(not late[endpoint], f"endpoint {endpoint} was disabled, and {late[endpoint]} came after")
    if not found.looked_at:
        found.nothing = "no subscriber of the plan refused anything"
