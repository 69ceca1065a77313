"""How long tries take, and how long a message waits for its first one: for whoever measures."""

from collections.abc import Sequence

from accounts.measuring import Timing
from webhooks.claims import Claimed
from webhooks.exchanges import Result
from webhooks.models import Trigger
from webhooks.paces import LATE_FROM, Pace

SUCCESS = "success"
_SCHEDULE = Trigger.SCHEDULE.value
#: A message's id tells when it was made, by the clock of whoever made it: milliseconds before these bits.
_BEFORE_TIME = 80

TRIES = Timing(
    "delivery_try_duration_seconds",
    "How long tries of deliveries took, by the pace of the schedule and how they ended",
    ("pace", "outcome"),
    (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0),
)
#: Held up by an endpoint's own limits, or while it was not active, a message waits as well.
WAITS = Timing(
    "first_try_wait_seconds",
    "How long messages waited, from their making to the start of their first try",
    (),
    (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)


_FIRST, _LATE = Pace.FIRST.value, Pace.LATE.value


def note(tries: Sequence[tuple[Claimed, Result]]) -> None:
    """Note tries that were settled. Of one whose end nobody saw there is no duration."""
    TRIES.note(
        (
            (
                _LATE if claimed.step > LATE_FROM else _FIRST,
                SUCCESS if result.failure is None else result.failure.value,
            ),
            result.duration_ms / 1000,
        )
        for claimed, result in tries
        if result.duration_ms is not None
    )
    WAITS.note(
        ((), max(0.0, claimed.started_at.timestamp() - (claimed.message_id.int >> _BEFORE_TIME) / 1000))
        for claimed, _ in tries
        if claimed.number == 1 and claimed.trigger == _SCHEDULE
    )
