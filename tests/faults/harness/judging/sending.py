"""How is sent: no try too early, a true record of all tries, never too many at once, and an end to it."""

from collections import Counter, defaultdict
from itertools import pairwise

from tests.faults.harness.judging.evidence import Evidence
from tests.faults.harness.judging.finding import Finding
from tests.faults.harness.judging.telling import UNHEARD, arrivals
from tests.faults.harness.judging.windows import NOTED, cutting, most_at_once, overlaps

#: Seconds by which what two processes note of one moment may differ.
_MOMENT = 0.05
#: An attempt whose sender died: nobody knows whether it arrived, or how it was answered.
_ABANDONED = "abandoned"
#: Seconds after an endpoint was disabled in which tries that had begun may arrive.
_STILL = 12.0
#: Subscribers who take everything at once: of them alone there is nothing to be sent again.
_TAKING = frozenset({"quick", "ordered", "slow"})
#: Seconds in which a program has ended that was asked to (docs/operations.md).
_ENDING = 30.0


def no_try_is_too_early(seen: Evidence) -> Finding:
    """D5. A try that failed is followed as schedule and Retry-After say, and no more often; none comes after
    a disabling.
    """
    found = Finding()
    windows = cutting(seen)
    endpoints = {one["n"]: one for one in seen.endpoints.values()}
    for (n, message), every in arrivals(seen).items():
        schedule = endpoints[n]["schedule"]
        tries = seen.tries[n, message]
        name = f"endpoint {n}, message {message}"
        counted = sum(one["error"] != _ABANDONED for one in tries)
        found.look(counted <= len(schedule) + 1, f"{name}: {counted} tries on a schedule of {len(schedule)}")
        abandoned = counted < len(tries)
        for step, (one, after) in enumerate(pairwise(every)):
            if one.succeeded or (abandoned and overlaps(windows, one.at, one.answered + 1.0)):
                continue  # whose sender died is sent again when its lease is over, whatever was answered
            # Tries that never arrived count too, so that later steps of the schedule may be due.
            steps = schedule if abandoned else schedule[step : step + 1]
            waits = max(min(steps, default=0.0), one.wait)
            # Who was cut off knows that sooner than whoever cut it off has noted it.
            gap = after.at - (one.answered if one.status else one.at)
            found.look(gap >= waits - _MOMENT, f"{name}: try {step + 2} after {gap:.2f} s, not {waits}")
    _look_after_disabling(seen, found)
    if not found.looked_at and all(one["behaviour"] in _TAKING for one in seen.plan["endpoints"]):
        found.nothing = "no subscriber of the plan refuses anything"
    return found


def the_record_is_true(seen: Evidence) -> Finding:
    """D7. What arrived is on record, as it was answered: as many attempts as requests, but for those whose
    sender died, or whose way was cut.
    """
    found = Finding()
    there = arrivals(seen)
    for pair in there:
        found.look(pair in seen.deliveries, f"endpoint {pair[0]} got {pair[1]}, which it is not owed")
    for pair, row in seen.deliveries.items():
        tries, came = seen.tries[pair], there[pair]
        # One that was cut off, and is held since, is recorded once it is let go, cancelled or given up.
        cut_off = row["state"] == "held" and row["claimed"]
        name = f"delivery {row['id']}"
        answers = [one["status"] for one in tries if one["status"] is not None]
        said = f"{name}: {len(came)} came, {len(tries)} tried, {len(answers)} answered"
        found.look(len(answers) <= len(came) <= len(tries) + cut_off, said)
        if not seen.plan["faults"] and not cut_off:
            found.look(len(came) == len(tries), said)
        given = [one.said for one in came]
        found.look(_is_within(answers, given), f"{name}: recorded as {answers}, answered {given}")
        if not cut_off and not any(one["error"] in UNHEARD for one in tries):
            found.look(len(came) == len(tries), f"{said}, and nothing cut any of them off")
        numbers = [one["number"] for one in tries]
        found.look(numbers == [*range(1, len(numbers) + 1)], f"{name}: its tries are {numbers}")
    return found


def everything_calms_down(seen: Evidence) -> Finding:
    """D8. After the faults nothing stays due, claimed or owed; every program ends in order, and in time."""
    found = Finding()
    found.look({"watches", "deliveries"} <= seen.run["left"].keys(), "nobody looked at what was left")
    for what, count in seen.run["left"].items():
        found.look(not count, f"{count} {what} were left after the calm")
    found.look(bool(seen.run["exits"]), "no program ended")
    for name, status in seen.run["exits"].items():
        found.look(status == 0, f"{name} ended with {status}")
    for name, seconds in seen.run["ending"].items():
        found.look(seconds <= _ENDING, f"{name} took {seconds:.0f} s to end")
    found.look(bool(seen.deliveries), "nothing was owed to anybody")
    for row in seen.rows["deliveries"]:
        done = row["state"] in {"delivered", "exhausted"}
        found.look(
            not (done and row["claimed"]), f"delivery {row['id']} is {row['state']}, and still claimed"
        )
    _look_at_faults(seen, found)
    return found


def no_more_at_once_than_may_be(seen: Evidence) -> Finding:
    """D9. An endpoint never has more requests open than its cap; twice as many just after senders were cut
    off.
    """
    found = Finding()
    windows, deadline = cutting(seen), seen.deadline - NOTED
    requests: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for (endpoint, _), every in arrivals(seen).items():
        requests[endpoint] += [(one.at, min(one.answered, one.at + deadline)) for one in every]
    caps = {one["n"]: one["max_in_flight"] for one in seen.endpoints.values()}
    for endpoint, lasting in requests.items():
        most, above = most_at_once(lasting, windows, caps[endpoint])
        found.look(above <= 0, f"endpoint {endpoint} had {most} at once, {above} too many")
    return found


def _is_within(some: list[int], every: list[int]) -> bool:
    """Whether `some` are in `every` in this order."""
    left = iter(every)
    return all(one in left for one in some)


def _look_at_faults(seen: Evidence, found: Finding) -> None:
    ended = Counter(note["fault"] for note in seen.nemesis if note["what"] == "ended")
    for note in seen.nemesis:
        if note["what"] == "began":
            found.look(bool(ended[note["fault"]]), f"{note['kind']} began, and never ended")


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
