"""What the end of a try means for its delivery: pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from webhooks.backoff import next_delay, retry_after
from webhooks.exchanges import Result
from webhooks.models import Delivery, Trigger

_GONE = 410


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state a delivery goes to. `delay` is seconds until the next try, None when there is none.

    `step` counts the entries of the retry schedule used up, this one included. `gone`: the subscriber said
    410, so that its endpoint is disabled.
    """

    state: Delivery.State
    step: int
    delay: float | None = None
    gone: bool = False


def judge(result: Result, schedule: Sequence[int], step: int, *, chance: float, now: datetime) -> Verdict:
    """The verdict on a try of a delivery that had used `step` entries of its schedule.

    `chance` in [0, 1] spreads the next try; `now` is for a Retry-After that is a date.
    """
    if result.failure is None:
        return Verdict(Delivery.State.DELIVERED, step)
    gone = result.status_code == _GONE
    hint = retry_after(result.headers.get("retry-after"), now)
    delay = next_delay(schedule, step, hint, chance)
    if delay is None:
        return Verdict(Delivery.State.EXHAUSTED, step, gone=gone)
    return Verdict(Delivery.State.PENDING, step + 1, delay, gone)


def judge_extra(result: Result, trigger: str) -> Delivery.State | None:
    """The state that an extra try leaves its delivery in; None: as it was.

    A test is not tried again. Whatever the subscriber says, the schedule and the endpoint stay as they are.
    """
    if result.failure is None:
        return Delivery.State.DELIVERED
    return Delivery.State.EXHAUSTED if trigger == Trigger.TEST else None
